# A node's whole life with fog-openstack.
require 'fog/openstack'
account = {
  openstack_auth_url: ENV['ROOT'] + '/identity',
  openstack_username: ENV['OS_USERNAME'],
  openstack_api_key: ENV['OS_PASSWORD'],
  openstack_project_name: ENV['OS_PROJECT_NAME'],
  openstack_domain_id: 'default',
  openstack_region: 'RegionOne'
}
compute = Fog::OpenStack::Compute.new(account)
network = Fog::OpenStack::Network.new(account)
image = Fog::OpenStack::Image.new(account).images.find { |one| one.name == 'tempest-image' }
flavor = compute.flavors.find { |one| one.name == 'm1.tiny' }
private_network = network.networks.find { |one| one.name == 'private' }
server = compute.servers.create(
  name: 'life', image_ref: image.id, flavor_ref: flavor.id, nics: [{ net_id: private_network.id }]
)
server.wait_for(60) { ready? }
raise 'no address' unless server.private_ip_address
server.reboot('HARD')
sleep 1
server.wait_for(60) { ready? }
address = network.floating_ips.create(
  floating_network_id: network.networks.find { |one| one.router_external && one.name == 'public' }.id
)
port = network.ports.find { |one| one.device_id == server.id }
network.associate_floating_ip(address.id, port.id)
server.reload
raise 'not reached' unless server.addresses.values.flatten.any? { |one| one['addr'] == address.floating_ip_address }
address.destroy
server.stop
server.wait_for(60) { state == 'SHUTOFF' }
server.destroy
60.times { compute.servers.get(server.id) ? sleep(1) : break }
raise 'still there' if compute.servers.get(server.id)
puts 'lived and died'
