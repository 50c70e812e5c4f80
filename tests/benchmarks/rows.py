"""Fills the tables of a site in bulk, one statement a table; prints where some servers are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")

import django

django.setup()

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import AutoField, Max, Min, Model
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from compute_site.identity.models import ApplicationCredential, Project, Token, User
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.network.models import (
    FixedIp,
    FloatingIp,
    Network,
    Port,
    Quota,
    SecurityGroup,
    Subnet,
)
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume, VolumeType
from flavors.models import Flavor
from quotas.models import Limit, Usage
from servers.models import (
    Allocation,
    BlockDevice,
    BuildRequest,
    Cell,
    ComputeNode,
    Consumer,
    HostHardware,
    Instance,
    InstanceAction,
    InstanceActionEvent,
    InstanceMapping,
    Inventory,
    KeptRequest,
    KeyPair,
    RequestSpec,
    ResourceProvider,
    ServerFault,
    ServerGroup,
    ServerGroupMember,
    Service,
    Tag,
)

Expressions = Mapping[str, str]
"""By column: SQL over ``n``, the number of the row."""

HOSTS = 1000
HOST = "'rack' || lpad(mod(n, 1000)::text, 4, '0')"
LONG_AGO = "now() - n * interval '7 seconds'"
ADDRESS_TEXT = "host('10.16.0.0'::inet + n)"
ADDRESS = f"({ADDRESS_TEXT})::inet"
FLAVOR = {
    "name": "m1.filled",
    "flavorid": "filled",
    "vcpus": 1,
    "memory_mb": 512,
    "root_gb": 1,
    "ephemeral_gb": 0,
    "swap": 0,
    "extra_specs": {},
}


def key_of(word: str) -> str:
    """SQL of a UUID that this word and the number of the row make."""
    return f"md5('{word}' || n)::uuid"


def fill(model: type[Model], count: int, expressions: Expressions, **values: Any) -> int:
    """Add rows that differ in the ``expressions``; all else is given, or as the model has it by
    default. Returns what to add to ``n`` for a row's number, where rows are numbered.
    """
    row = model(**values)
    selected: dict[str, str] = {}
    parameters: list[Any] = []
    for field in model._meta.concrete_fields:
        if isinstance(field, AutoField) or field.generated:
            continue
        expression = expressions.get(field.column)
        selected[f'"{field.column}"'] = expression or "%s"
        if expression is None:
            value = field.pre_save(row, add=True)
            parameters.append(field.get_db_prep_save(value, connection))
    numbered = isinstance(model._meta.pk, AutoField)
    before = 0
    if numbered:
        before = model._default_manager.aggregate(last=Max("pk"))["last"] or 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(selected)}) "
            f"SELECT {', '.join(selected.values())} FROM generate_series(1, {count}) AS n",
            parameters,
        )
    if not numbered:
        return 0
    first = model._default_manager.filter(pk__gt=before).aggregate(first=Min("pk"))["first"]
    return int(first) - 1


def fill_site(count: int) -> None:
    """``count`` rows of everything that grows with use; of hosts, a thousand."""
    project, user = Project.objects.get(name="lists"), User.objects.get(username="lists")
    fill_people(count, project, user)
    fill_hosts()
    fill_servers(count, project, user)
    fill_services(count, project)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def fill_people(count: int, project: Project, user: User) -> None:
    fill(Project, count, {"id": "md5('project' || n)", "name": "'team-' || n"})
    fill(User, count, {"id": "md5('user' || n)", "username": "'person-' || n"}, password="!")
    fill(Group, count, {"name": "'group-' || n"})
    times = {"issued_at": LONG_AGO, "expires_at": f"{LONG_AGO} + interval '1 day'"}
    names = {"digest": "md5('token' || n)", "audit_id": "left(md5('audit' || n), 22)"}
    fill(Token, count, {**names, **times}, user=user, project=project)
    fill(
        ApplicationCredential,
        count,
        {"id": "md5('credential' || n)", "name": "'program-' || n"},
        user=user,
        project=project,
        role="member",
        secret_hash="!",
    )
    fill(
        Flavor,
        count,
        {"flavorid": "'size-' || n", "name": "'m2.' || n"},
        vcpus=1,
        memory_mb=512,
        root_gb=1,
    )
    of_project = {"project_id": "md5('project' || n)"}
    limits = {
        "project_id": "md5('project' || (1 + mod(n - 1, 10000)))",
        "resource": "(ARRAY['cores','instances','ram','key_pairs','server_groups','injected_files',"
        "'metadata_items','injected_file_path_bytes','injected_file_content_bytes',"
        "'server_group_members'])[1 + (n - 1) / 10000]",
    }
    fill(Limit, count, limits, limit=20)
    for resource, used in (("cores", "mod(n, 25)"), ("instances", "mod(n, 9)")):
        fill(Usage, count, {**of_project, "in_use": used}, resource=resource)


def fill_hosts() -> None:
    cell = Cell.objects.get(name="cell1")
    fill(Service, HOSTS, {"uuid": key_of("service"), "host": HOST}, cell=cell)
    fill(
        ComputeNode,
        HOSTS,
        {
            "uuid": key_of("node"),
            "hypervisor_hostname": HOST,
            "service_id": f"(SELECT id FROM servers_service WHERE host = {HOST})",
        },
        running_vms=100,
    )
    node = f"(SELECT id FROM servers_computenode WHERE hypervisor_hostname = {HOST})"
    fill(HostHardware, HOSTS, {"node_id": node})
    own = {"uuid": key_of("node"), "name": HOST, "node_id": node}
    offset = fill(ResourceProvider, HOSTS, {**own, "root_id": "NULL"})
    stocks = {"provider_id": f"{offset} + 1 + mod(n, {HOSTS})", "used": f"mod(n, {HOSTS})"}
    stocks["resource_class"] = f"(ARRAY['VCPU','MEMORY_MB','DISK_GB'])[1 + (n - 1) / {HOSTS}]"
    fill(Inventory, 3 * HOSTS, stocks, total=262144)


def fill_servers(count: int, project: Project, user: User) -> None:
    """Servers in all states, and everything that hangs on them."""
    nic = "jsonb_build_object('port_id', {}, 'label', 'wide', 'mac', 'fa:16:3e:00:00:01',"
    nic += " 'addresses', jsonb_build_array(jsonb_build_array({}, 4)))"
    flavor = Flavor.objects.get(name="m1.tiny")
    owner = {"project": project, "user": user}
    owner_ids = {"project_id": project.pk, "user_id": str(user.pk)}
    offset = fill(
        Instance,
        count,
        {
            "uuid": key_of("server"),
            "reservation_id": "'r-' || md5('reservation' || n / 10)",
            "display_name": "'server-' || n",
            "vm_state": "(ARRAY['active','active','active','stopped','error','building'])"
            "[1 + mod(n, 6)]",
            "host": HOST,
            "network_info": f"jsonb_build_array({nic.format(key_of('port'), ADDRESS_TEXT)})",
            "created_at": LONG_AGO,
        },
        **owner,
        flavor_record=flavor,
        flavor=FLAVOR,
        hostname="filled",
        vcpus=1,
        memory_mb=512,
        root_gb=1,
        availability_zone="nova",
    )
    server = {"instance_id": f"{offset} + n"}
    fill(RequestSpec, count, server, flavor=FLAVOR, image={"name": "small"})
    fill(BuildRequest, count, {**server, "created_at": LONG_AGO}, project=project)
    fill(KeptRequest, count, server, order={})
    fill(InstanceMapping, count, server, cell=Cell.objects.get(name="cell1"), **owner)
    fill(
        BlockDevice,
        count,
        {**server, "uuid": key_of("device"), "volume_id": f"{key_of('volume')}::text"},
        source_type="volume",
        destination_type="volume",
        boot_index=0,
    )
    fill(Tag, count, server, tag="filled")
    faults = {**server, "message": "'The host gave up, reason ' || n", "created_at": LONG_AGO}
    fill(ServerFault, count, faults)
    consumers = {**server, "uuid": key_of("server")}
    held = {"consumer_id": f"{fill(Consumer, count, consumers, **owner_ids)} + n"}
    held["provider_id"] = f"(SELECT min(id) FROM servers_resourceprovider) + mod(n, {HOSTS})"
    fill(Allocation, count, held, resource_class="VCPU", amount=1)
    ids = {"user_id": user.pk, "project_id": project.pk}
    actions = fill(
        InstanceAction,
        count,
        {**server, "request_id": "'req-' || md5('request' || n)", "start_time": LONG_AGO},
        action="create",
        **ids,
    )
    fill(InstanceActionEvent, count, {"action_id": f"{actions} + n"}, event="build")
    fill(KeyPair, count, {"name": "'key-' || n"}, user=user, fingerprint="aa:bb")
    groups = fill(
        ServerGroup,
        count,
        {"uuid": key_of("group"), "name": "'apart-' || n"},
        policy="anti-affinity",
        **ids,
    )
    fill(ServerGroupMember, count, {**server, "group_id": f"{groups} + n"})
    fill(
        ProcrastinateJob,
        count,
        {"args": f"jsonb_build_object('server_id', {key_of('server')})"},
        queue_name="host",
        task_name="filled",
        priority=0,
        status="failed",
        attempts=1,
        abort_requested=False,
    )
    fill(
        LogEntry,
        count,
        {"object_id": f"({offset} + n)::text"},
        user=user,
        content_type=ContentType.objects.get_for_model(Instance),
        action_flag=CHANGE,
        object_repr="filled",
        action_time=timezone.now(),
    )


def fill_services(count: int, project: Project) -> None:
    """Images, networks, volumes and what belongs to them."""
    network = Network.objects.get(name="wide")
    subnet = Subnet.objects.get(name="wide")
    times = {"created_at": LONG_AGO}
    fill(Image, count, {"id": key_of("image"), "name": "'image-' || n", **times})
    networks = {"id": key_of("network"), "name": "'net-' || n"}
    fill(Network, count, networks, project=project)
    subnets = {"id": key_of("subnet"), "network_id": key_of("network"), "name": "'sub-' || n"}
    fill(Subnet, count, subnets, project=project, cidr="192.168.0.0/24")
    groups = {"id": key_of("security"), "name": "'open-' || n"}
    fill(SecurityGroup, count, groups, project=project)
    of_project = {"network": network, "project": project}
    ports = {"id": key_of("port"), "device_id": f"{key_of('server')}::text", **times}
    fill(Port, count, ports, mac_address="fa:16:3e:00:00:01", **of_project)
    addresses = {"port_id": key_of("port"), "address": ADDRESS}
    fill(FixedIp, count, addresses, network=network, subnet=subnet)
    outside = {"id": key_of("floating"), "outside_id": key_of("port"), "address": ADDRESS}
    fill(FloatingIp, count, outside, project=project)
    fill(Quota, count, {"project_id": "md5('project' || n)"}, resource="port", limit=50)
    fill(VolumeType, count, {"id": key_of("type"), "name": "'type-' || n"})
    volumes = {"id": key_of("volume"), "name": "'disk-' || n", **times}
    fill(Volume, count, {**volumes, "volume_type_id": key_of("type")}, project=project, size=1)
    snapshots = {"id": key_of("snapshot"), "volume_id": key_of("volume"), **times}
    fill(Snapshot, count, snapshots, project=project, size=1)
    claims = {"volume_id": key_of("volume"), "server_id": key_of("server"), **times}
    fill(Attachment, count, {"id": key_of("claim"), **claims})


def main() -> None:
    name = os.environ["BENCH_OPERATOR"]
    User.objects.create_superuser(name, password=name)
    fill_site(int(os.environ["BENCH_ROWS"]))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # as the server would by itself, some minutes later
    some = {
        state: Instance.objects.filter(vm_state=state).values_list("pk", flat=True)[0]
        for state in ("active", "error", "building")
    }
    print(json.dumps(some))


if __name__ == "__main__":
    main()
