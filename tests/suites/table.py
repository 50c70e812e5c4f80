"""The test suites of others: what each is made of and how it is run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """``script`` is for bash, in a folder of the suite's own; ``$SUITE`` is the one of this file,
    ``$ROOT`` the address of the cloud.
    """

    title: str
    script: str
    user: str = "admin"
    """Who the programs are, and in which project."""
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    needs_tempest_conf: bool = False
    told: int = 12
    """So many lines of the output are shown in the end."""
    consoles: bool = False
    """Does it open consoles? A proxy serves them then."""
    fetched_from: str = ""
    """A host of the internet from which its tests fetch an image; a proxy stands for it."""
    delay: float = 1
    """For so many seconds simulated hosts show each state that passes: clients poll each second."""


IDS = {
    "OS_IMAGE_ID": "7e3f0d52-1c6a-4b8e-9a07-d1e5c2f4a001",
    "OS_FLAVOR_ID": "43",
    "OS_FLAVOR_ID_RESIZE": "84",
    "OS_POOL_NAME": "public",
    "OS_EXTGW_ID": "7e3f0d52-1c6a-4b8e-9a07-d1e5c2f4b002",
    "OS_NETWORK_NAME": "fixed",
    "OS_NETWORK_ID": "7e3f0d52-1c6a-4b8e-9a07-d1e5c2f4b001",
    "OS_SUBNET_ID": "7e3f0d52-1c6a-4b8e-9a07-d1e5c2f4c001",
}
"""What stands in cloud.yaml, by the variables in which gophercloud's tests look for it."""
HOSTS_CAN = {"OS_GUEST_AGENT": "1", "OS_LIVE_MIGRATE": "1"}

PYTHON = "[ -d venv ] || python3 -m venv venv; venv/bin/pip install -q --disable-pip-version-check"
SHARED = "[ -d ../clients ] || python3 -m venv ../clients"
OPENSTACK = "python-openstackclient==10.5.0"
PATHS = 'export PATH="$PWD/venv/bin:$PATH"; S=$(echo "$PWD"/venv/lib/python3*/site-packages)'
GO = "export GOPATH=$PWD/go GOFLAGS=-mod=mod"


SIGNS_IN = "ServerActionsV293TestJSON.test_rebuild_volume_backed_server"
"""A test of Tempest that signs in to a guest, and does not ask whether it may."""


def _tempest(tests: str, *, consoles: bool = False) -> Suite:
    return Suite(
        title=f"Tempest: {tests}",
        needs_tempest_conf=True,
        consoles=consoles,
        script=f"""
{PYTHON} tempest==47.0.0
{PATHS}
[ -d work ] || tempest init work --workspace-path "$PWD/workspaces.yaml"
cp tempest.conf work/etc/tempest.conf
cd work
stestr run --concurrency 2 --exclude-regex '{SIGNS_IN}' '^tempest\\.({tests})'
""",
    )


CLIENTS = f"""{SHARED}; ln -sfn ../clients venv
{PYTHON} openstacksdk==4.22.0 {OPENSTACK} python-novaclient==18.13.1 \\
    tempest==47.0.0 testtools fixtures oslotest requests-mock ddt testscenarios pytest pytest-xdist
unset OS_DOMAIN_ID  # beside a project it is a second scope"""
NEEDED_BY_SDK = {
    "OS_CLIENT_CONFIG_FILE": "clouds.yaml",
    "OPENSTACKSDK_EXAMPLE_CONFIG_KEY": "functional",
}

COMMANDS = "-n 2 --dist loadfile -p forking"
"""Two at a time, each test file by one of them."""


def _functional(client: str, part: str, options: str = "") -> Suite:
    """Tests that come with the packages of openstacksdk and openstackclient."""
    return Suite(
        title=f"functional tests of {client}: {part}",
        variables={**NEEDED_BY_SDK, "OS_CLOUD": "devstack-admin", "OS_TEST_TIMEOUT": "120"},
        script=f"""
{CLIENTS}
{PATHS}
echo 'a file to upload' > CONTRIBUTING.rst
touch pytest.ini  # not the one of this project
cp "$SUITE"/forking.py .
python -m pytest -c pytest.ini -p no:cacheprovider -q -rfEs {options} \\
    "$S"/{client}/tests/functional/{part}
""",
    )


ROLES = """
address_scope application_credential auth catalog_service compute_flavor compute_flavor_access
compute_service config endpoint floating_ip group_assignment host_aggregate identity_domain
identity_group identity_role identity_user image inventory keypair network neutron_rbac_policy port
trait project quota resource resources role_assignment router security_group security_group_rule
server server_action server_group server_metadata server_volume subnet subnet_pool volume
volume_type volume_backup volume_manage volume_service volume_snapshot volume_type_access
"""
"""Of the collection's own tests, those of services that are here."""

ANSIBLE = f"""
: "${{COLLECTION:?names a checkout of the collection openstack.cloud: no package has its tests}}"
[ -d "$COLLECTION/ci/roles" ] || {{ echo "COLLECTION: no full path of one: $COLLECTION"; exit 1; }}
{PYTHON} --no-compile ansible-core==2.19.3 ansible==12.1.0 openstacksdk==4.7.1 jmespath netaddr \\
    mitogen==0.3.54
# Some roles ask for the openstack command, which wants a newer openstacksdk.
{SHARED}; ../clients/bin/pip install -q --disable-pip-version-check {OPENSTACK}
PATH="$PWD/../clients/bin:$PATH"
{PATHS}
mkdir -p ansible_collections/openstack
ln -sfn "$COLLECTION" ansible_collections/openstack/cloud
export ANSIBLE_COLLECTIONS_PATH="$PWD:$S" ANSIBLE_ROLES_PATH="$COLLECTION/ci/roles"
unset "${{!OS_@}}"  # who signs in by an application credential names no project beside it
export OS_CLIENT_CONFIG_FILE="$PWD/clouds.yaml" USER=${{USER:-$(id -un)}}
# Modules are imported once, and not for each task.
export ANSIBLE_STRATEGY=mitogen_linear
export ANSIBLE_STRATEGY_PLUGINS="$S/ansible_mitogen/plugins/strategy"
# Other roles use the names of these, which run only where they are asked for.
LENDERS=$(printf '{{role: %s, tags: never}},' network server subnet_pool)
# The host is named as in cloud.yaml; DevStack's has the name of the machine.
VARIABLES="sdk_version=4.7.1 cloud=devstack-admin cloud_alt=devstack-alt ansible_hostname=node1"
for role in ${{ROLES:-{" ".join(ROLES.split())}}}; do
    echo "[{{hosts: localhost, connection: local, roles: [$LENDERS $role]}}]" > $role.yml
    if timeout 1200 ansible-playbook $role.yml --skip-tags loadbalancer -e "$VARIABLES" \\
        > $role.txt 2>&1
    then echo "pass $role"
    else echo "FAIL $role"; failed=yes; grep -B 3 -m 1 -E '^(fatal|\\[ERROR)' $role.txt || true
    fi
done
[ -z "${{failed:-}}" ]
"""


def _gophercloud(part: str) -> Suite:
    return Suite(
        title=f"acceptance tests of gophercloud 2: {part}",
        fetched_from="download.cirros-cloud.net" if part == "image/v2" else "",
        variables={**IDS, **HOSTS_CAN, "OS_BRANCH": "master"},
        script=f"""
{GO}
mkdir -p here && cd here
[ -f go.mod ] || go mod init here
go mod download github.com/gophercloud/gophercloud/v2@v2.16.0
cd .. && rm -rf source
cp -r go/pkg/mod/github.com/gophercloud/gophercloud/v2@v2.16.0 source && chmod -R u+w source
cd source
go test -p 1 -parallel 1 -count 1 -timeout 60m -tags acceptance -v \\
    ./internal/acceptance/openstack/{part}/... | tee ../tests.txt || failed=yes
grep -hE '^--- (FAIL|PASS|SKIP)' ../tests.txt | cut -d' ' -f2 | sort | uniq -c
[ -z "${{failed:-}}" ]
""",
    )


TERRAFORM = f"""
{GO}
mkdir -p here bin && cd here
[ -f go.mod ] || go mod init here
PROVIDER=github.com/terraform-provider-openstack/terraform-provider-openstack/v3
go mod download $PROVIDER@v3.4.0
cd .. && rm -rf source
cp -r go/pkg/mod/$PROVIDER@v3.4.0 source && chmod -R u+w source
[ -x bin/terraform-provider-openstack ] || (cd source && go build -p 1 -o ../bin .)
mkdir -p plan && cd plan && rm -f terraform.tfstate*
cp "$SUITE"/main.tf .
cat > terraformrc <<END
provider_installation {{
  dev_overrides {{ "terraform-provider-openstack/openstack" = "$PWD/../bin" }}
}}
END
export TF_CLI_CONFIG_FILE=$PWD/terraformrc
T=$(command -v tofu || command -v terraform)
for size in 1 2; do  # made, then changed
    export TF_VAR_size=$size
    $T plan -no-color
    $T apply -no-color -auto-approve
    $T plan -no-color -detailed-exitcode  # fails unless there is nothing to do
done
$T destroy -no-color -auto-approve
"""

SUITES: Mapping[str, Suite] = {
    "tempest-compute": _tempest("api.compute|serial_tests.api", consoles=True),
    "tempest-network": _tempest("api.network"),
    "tempest-image": _tempest("api.image"),
    "tempest-volume": _tempest("api.volume"),
    "tempest-identity": _tempest("api.identity"),
    **{
        f"sdk-{part}": _functional("openstack", path)
        for part, path in (
            ("compute", "compute"),
            ("network", "network"),
            ("image", "image"),
            ("volume", "block_storage"),
            ("identity", "identity"),
        )
    },
    **{
        f"osc-{part}": _functional("openstackclient", part, COMMANDS)
        for part in ("compute", "network", "image", "volume", "identity", "common")
    },
    "nova": Suite(
        title="functional tests of novaclient",
        consoles=True,
        delay=0,  # a stop has one second until a test asks what was before that
        variables={
            **NEEDED_BY_SDK,
            "OS_NOVACLIENT_NETWORK": "private",
            "OS_TEST_TIMEOUT": "120",
        },
        script=f"""
{CLIENTS}
{PATHS}
TOX_ENV_DIR=$PWD/venv python -m testtools.run discover \\
    -s "$S"/novaclient/tests/functional -t "$S"
""",
    ),
    **{
        f"gophercloud-{part}": _gophercloud(path)
        for part, path in (
            ("compute", "compute/v2"),
            ("network", "networking/v2"),
            ("image", "image/v2"),
            ("volume", "blockstorage/v3"),
            ("identity", "identity/v3"),
        )
    },
    "ansible": Suite(
        title="the roles in which Ansible's collection openstack.cloud tests itself",
        variables={"ANSIBLE_NOCOLOR": "1"},
        script=ANSIBLE,
        told=60,
    ),
    "libcloud": Suite(
        title="a node's whole life with Apache Libcloud",
        user="demo",
        script=f'{PYTHON} apache-libcloud==3.9.1\nvenv/bin/python "$SUITE"/nodes/node.py',
    ),
    "pkgcloud": Suite(
        title="a node's whole life with pkgcloud",
        user="demo",
        script="""
[ -d node_modules ] || npm install --no-fund --no-audit pkgcloud@2.2.0
cp "$SUITE"/nodes/node.js .
node node.js
""",
    ),
    "fog": Suite(
        title="a node's whole life with fog-openstack (Debian's ruby-fog-openstack)",
        user="demo",
        script='ruby "$SUITE"/nodes/node.rb',
    ),
    "terraform": Suite(
        title="Terraform or OpenTofu: plan, apply, plan, destroy",
        user="demo",
        script=TERRAFORM,
    ),
}
