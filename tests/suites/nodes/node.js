// A node's whole life with pkgcloud.
const pkgcloud = require('pkgcloud');
const account = {
  provider: 'openstack',
  keystoneAuthVersion: 'v3',
  authUrl: process.env.ROOT + '/identity/',
  username: process.env.OS_USERNAME,
  password: process.env.OS_PASSWORD,
  tenantName: process.env.OS_PROJECT_NAME,
  domainId: 'default',
  domainName: 'Default',
  projectDomainName: 'Default',
  region: 'RegionOne',
};
const compute = pkgcloud.compute.createClient(account);
const network = pkgcloud.network.createClient(account);
const ask = (client, name, ...words) =>
  new Promise((done, failed) =>
    client[name](...words, (error, answer) => (error ? failed(error) : done(answer))));
const wait = (server, status) =>
  new Promise((done, failed) =>
    server.setWait({ status }, 1000, 60000, (error) => (error ? failed(error) : done())));

async function live() {
  const images = await ask(compute, 'getImages');
  const flavors = await ask(compute, 'getFlavors');
  const networks = await ask(network, 'getNetworks');
  const server = await ask(compute, 'createServer', {
    name: 'life',
    image: images.find((one) => one.name === 'tempest-image'),
    flavor: flavors.find((one) => one.name === 'm1.tiny'),
    networks: [{ uuid: networks.find((one) => one.name === 'private').id }],
  });
  await wait(server, 'RUNNING');
  await ask(compute, 'rebootServer', server, { type: 'HARD' });
  await wait(server, 'RUNNING');
  await ask(compute, 'destroyServer', server);
  console.log('lived and died');
}
live().catch((error) => { console.error(error); process.exit(1); });
