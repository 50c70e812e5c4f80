"""Every setting of ours: one place, typed, checked, read from the environment.

An option ``NAME`` is read from the variable ``COMPUTE_SITE_NAME``, or from the file that
``COMPUTE_SITE_NAME_FILE`` names (for secrets). ``docs/operating.md`` explains each.
"""

from __future__ import annotations

import dataclasses
import json
import os
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compute_site.values.words import PLAIN_FALSE, PLAIN_TRUE

PREFIX = "COMPUTE_SITE_"
STATE_NAME = "compute-site"
"""The folder of state in the user's own state folder."""

NEIGHBOURS = "compute_site.neighbours"
SERVICE_WORDS = ("local", "openstack")
"""Modules of each service that are named by a word."""
ELSEWHERE = ".openstack"
"""How the names of modules end that ask a cloud elsewhere."""
SERVICE_OPTIONS = ("identity_service", "image_service", "network_service", "volume_service")

CHOICES = {
    "log_format": ("plain", "json"),
    "quota_driver": ("database", "unified"),
    "volume_export": ("file", "iscsi"),
}
"""Options that take only these texts."""


class OptionError(Exception):
    """A variable of the environment holds what its option cannot take; the text names both."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Names and defaults follow Nova's configuration (docs/contract/create-flow.md L) where it has
    the option.
    """

    # the process
    secret_key: str = ""
    """Key of sessions, of remembered passwords and of sealed admin passwords; made and kept
    under ``var`` if empty.
    """
    debug: bool = False
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    state_dir: Path | None = None
    """None: as ``find_state_folder`` says."""
    embedded_settings: tuple[str, ...] = ()
    """Settings with which the embedded PostgreSQL starts, ``name=value`` each."""
    log_level: str = "INFO"
    log_format: str = "plain"
    """``plain`` for people, ``json`` for programs: an object a line."""
    metrics_token: str = ""
    """Who asks for /metrics must have it (Authorization: Bearer …); empty: this machine only."""
    public_url: str = ""
    """Scheme, host and port in the catalogue; empty: as the request came in."""
    behind_proxy: bool = False
    """Take scheme and host from X-Forwarded-Proto and X-Forwarded-Host."""
    https: bool = False
    """Clients reach the site by HTTPS only: secure cookies, redirects, HSTS."""
    statement_timeout_seconds: float = 10.0
    """The most that a statement of a request may take; 0: no limit is set."""
    worker_statement_timeout_seconds: float = 60.0
    """The same for statements of workers."""

    # the API
    password_length: int = 12
    enable_instance_password: bool = True
    compute_link_prefix: str = ""
    max_body_bytes: int = 114688
    max_page_size: int = 1000
    token_lifetime_seconds: int = 86400
    oauth_request_seconds: int = 28800
    """How long a consumer of OAuth waits for a user's yes; 0: as long as it takes."""
    oauth_access_seconds: int = 86400
    """How long its access lasts; 0: until it is taken away."""
    password_memory_seconds: int = 300
    """How long a verified Basic password is remembered."""
    idempotency_key_seconds: int = 86400
    """How long the answer to a request with an Idempotency-Key is kept."""
    max_waiting_requests: int = 400
    """Requests of each web process that may wait for a server, or for events; more get 429."""
    max_wait_seconds: int = 60
    """The longest that a request may wait for a server."""
    event_stream_seconds: int = 600
    """After so long a stream of events ends, and the client asks for the next."""
    lockout_failure_attempts: int = 0
    """After so many failed sign-ins in a row an account is locked; 0: never."""
    lockout_duration: int = 1800
    """Seconds for which it is locked; 0: until somebody unlocks it."""

    faults_on_request: bool = False
    """Let admins ask for faults of builds, hosts, quotas and requests; for tests of clients."""

    # zones
    default_schedule_zone: str | None = None
    default_availability_zone: str = "nova"
    internal_service_availability_zone: str = "internal"
    network_availability_zones: tuple[str, ...] = ("nova",)
    """Those of the local network service, which networks and routers may name."""

    # disks
    max_local_block_devices: int = 3
    default_ephemeral_format: str | None = None
    cross_az_attach: bool = True

    # images
    image_property_quota: int = 128
    image_tag_quota: int = 128
    image_member_quota: int = 128
    image_size_cap: int = 1 << 40
    """The most bytes of data that an image may have."""
    volume_folder: Path | None = None
    """Where the bytes of volumes are kept, under the same path on the site and (``volume_export``
    ``file``) its hosts; empty: volumes have none."""
    volume_backup_folder: Path | None = None
    """Where the bytes of backups are kept; empty: in ``volume_folder``."""
    volume_copies: int = 2
    """So many volumes and snapshots are copied at once, by all workers together."""
    volume_export: str = "file"
    """How hosts reach volumes: ``file`` in a folder that they share, or ``iscsi``."""
    volume_portal: str = ""
    """Address and port at which hosts reach volumes by iSCSI."""
    volume_target_dir: Path | None = None
    """Where the target server is told what to do; empty: in ``target`` of ``state_dir``."""
    image_store_dir: Path | None = None
    """Where the data of images are kept; empty: in the folder ``images`` of ``state_dir``."""
    image_download_hosts: tuple[str, ...] = ()
    """From where data of images are fetched (``web-download``): hosts, and ``*`` for all that have
    a public address. None: from nowhere."""
    image_s3_bucket: str = ""
    """Where the data of images are kept, in place of a folder: a bucket that is there."""
    image_s3_endpoint: str = ""
    """Its URL; empty: Amazon's."""
    image_s3_region: str = ""
    image_s3_prefix: str = "images/"
    """What the names of objects begin with."""
    image_s3_access_key: str = ""
    image_s3_secret_key: str = ""
    """Empty: as boto3 finds them."""
    verify_glance_signatures: bool = False
    enable_certificate_validation: bool = False
    default_trusted_certificate_ids: tuple[str, ...] = ()

    # quota: what applies where neither class, project nor user has a limit
    quota_driver: str = "database"
    """``unified``: the limits are those that the identity service keeps for compute."""
    quota_instances: int = 10
    quota_cores: int = 20
    quota_ram: int = 51200
    quota_metadata_items: int = 128
    quota_injected_files: int = 5
    quota_injected_file_content_bytes: int = 10240
    quota_injected_file_path_length: int = 255
    quota_key_pairs: int = 100
    quota_server_groups: int = 10
    quota_server_group_members: int = 10

    # quotas of the local services, as Neutron and Cinder have them
    quota_networks: int = 100
    quota_subnets: int = 100
    quota_ports: int = 500
    quota_routers: int = 10
    quota_router_routes: int = 30
    """Extra routes of one router."""
    quota_rbac_policies: int = 10
    quota_subnet_pools: int = -1
    quota_floating_ips: int = 50
    quota_security_groups: int = 10
    quota_security_group_rules: int = 100
    quota_volumes: int = 10
    quota_snapshots: int = 10
    quota_gigabytes: int = 1000
    """GiB of volumes and snapshots."""
    quota_per_volume_gigabytes: int = -1
    quota_backups: int = 10
    quota_backup_gigabytes: int = 1000
    quota_volume_groups: int = 10
    quota_images: int = 100
    quota_image_mebibytes: int = -1
    """MiB of data that the images of a project have together."""

    # scheduling
    scheduler_max_attempts: int = 3
    allow_resize_to_same_host: bool = False
    cpu_allocation_ratio: float = 4.0
    ram_allocation_ratio: float = 1.0
    disk_allocation_ratio: float = 1.0
    enabled_filters: tuple[str, ...] = (
        *("ComputeFilter", "ComputeCapabilitiesFilter", "ImagePropertiesFilter"),
        *("ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter"),
        *("SameHostFilter", "DifferentHostFilter"),
    )
    max_placement_results: int = 1000
    """How many hosts are looked at, at most, the best first."""
    limit_tenants_to_placement_aggregate: bool = False
    placement_aggregate_required_for_tenants: bool = False
    enable_isolated_aggregate_filtering: bool = False
    query_placement_for_image_type_support: bool = False
    image_metadata_prefilter: bool = False
    disable_fallback_pcpu_query: bool = False
    image_properties_default_architecture: str | None = None
    isolated_images: tuple[str, ...] = ()
    isolated_hosts: tuple[str, ...] = ()
    restrict_isolated_hosts_to_isolated_images: bool = True
    aggregate_image_properties_isolation_namespace: str | None = None
    aggregate_image_properties_isolation_separator: str = "."
    max_io_ops_per_host: int = 8
    max_instances_per_host: int = 50
    packing_host_numa_cells_allocation_strategy: bool = False
    host_subset_size: int = 1
    shuffle_best_same_weighed_hosts: bool = False
    ram_weight_multiplier: float = 1.0
    cpu_weight_multiplier: float = 1.0
    disk_weight_multiplier: float = 1.0
    io_ops_weight_multiplier: float = -1.0
    pci_weight_multiplier: float = 1.0
    hypervisor_version_weight_multiplier: float = 1.0
    num_instances_weight_multiplier: float = 0.0
    image_props_weight_multiplier: float = 0.0
    image_props_weight_setting: tuple[str, ...] = ()
    soft_affinity_weight_multiplier: float = 1.0
    soft_anti_affinity_weight_multiplier: float = 1.0
    build_failure_weight_multiplier: float = 1000000.0
    service_down_seconds: int = 60
    build_timeout_seconds: int = 600
    """A server that has been in BUILD for longer, with no job at work on it, is failed."""
    reclaim_instance_interval: int = 0
    """Seconds for which a deleted server can be restored; 0: it is gone at once."""
    shelved_offload_time: int = 0
    """Seconds after which a shelved server leaves its host; 0: at once, negative: never."""
    resize_confirm_window: int = 0
    """Seconds after which a resize is confirmed that nobody confirms or reverts; 0: never."""
    rescue_timeout: int = 0
    """Seconds after which a rescue ends that nobody ends; 0: never."""
    reboot_timeout: int = 0
    """Seconds after which a soft reboot that does not end becomes a hard one; 0: never."""
    force_config_drive: bool = False
    """Give every new server a config drive."""
    console_proxies: tuple[Mapping[str, Any], ...] = (
        {"type": "novnc", "url": "http://127.0.0.1:6080/vnc_auto.html"},
    )
    """JSON list of type and url of what leads people to consoles; other types are refused."""
    console_token_ttl: int = 600
    """Seconds for which the address of a console is good."""
    max_concurrent_builds: int = 10
    """Servers that are built at once on each host; 0: as many as workers can."""
    host_join_seconds: int = 86400
    """How long the line is good with which a host joins."""
    host_heartbeat_seconds: int = 10
    """How often the agent of a host says that it lives."""
    host_order_seconds: int = 300
    """How long a job waits to hear of an order to a host."""
    host_orders_hours: int = 72
    """How long orders are kept that have come to an end."""
    vendor_data_file: Path | None = None
    """A JSON object that all guests of hosts with agents are told as ``vendor_data.json``."""
    move_store_dir: Path | None = None
    """Folder for disks on their way from host to host, shared by all web processes."""
    fake_driver_delay_seconds: float = 1.0
    """How long the fake driver keeps a server in a state that passes, as ``REBUILD``: clients that
    look once a second wait until they have seen it. 0: nobody shall wait.
    """
    pci_alias: tuple[Mapping[str, Any], ...] = ()
    """JSON list of PCI alias definitions."""

    # services: a module path each, or the words local and openstack
    identity_service: str = "compute_site.neighbours.identity.local"
    image_service: str = "compute_site.neighbours.image.local"
    network_service: str = "compute_site.neighbours.network.local"
    volume_service: str = "compute_site.neighbours.volume.local"

    # how this site logs in to the cloud whose services it uses
    token_cache_seconds: int = 60
    """How long is remembered what Keystone says of a token; a revoked one counts as long."""
    token_cache_size: int = 10000
    identity_roles: tuple[str, ...] = ()
    """Pairs ``role of Keystone=role of this site``."""
    openstack_auth_url: str = ""
    """Of Keystone."""
    openstack_username: str = ""
    openstack_password: str = ""
    openstack_user_domain_name: str = "Default"
    openstack_project_name: str = "service"
    openstack_project_domain_name: str = "Default"
    openstack_application_credential_id: str = ""
    """Instead of user, password and project."""
    openstack_application_credential_secret: str = ""
    openstack_region_name: str = ""
    """Empty: any."""
    openstack_interfaces: tuple[str, ...] = ("internal", "public")
    """Of which kind URLs of the catalogue are, the best first."""
    openstack_ca_file: Path | None = None
    """Whose certificates are trusted; empty: those that Python's requests trusts."""
    openstack_connect_seconds: float = 5.0
    openstack_read_seconds: float = 30.0
    identity_endpoint: str = ""
    """URLs that count instead of those of the catalogue."""
    image_endpoint: str = ""
    network_endpoint: str = ""
    volume_endpoint: str = ""

    @property
    def joined_services(self) -> list[str]:
        """The options that name a service of that cloud."""
        return [name for name in SERVICE_OPTIONS if getattr(self, name).endswith(ELSEWHERE)]


def read_options(environment: Mapping[str, str] = os.environ) -> Options:
    """Read and check every option.

    Raises:
        OptionError: a value has the wrong form, or a variable names no option.
    """
    fields = {field.name: field for field in dataclasses.fields(Options)}
    hints = typing.get_type_hints(Options)
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in fields and name.endswith("_file"):
            name = name.removesuffix("_file")
            text = _read_file(variable, text)  # noqa: PLW2901 - the file's text is the value from here on
        if text not in CHOICES.get(name, (text,)):
            words = " or ".join(CHOICES[name])
            raise OptionError(f"{variable}={text!r}: give {words}.")
        if name not in fields:
            raise OptionError(
                f"{variable} names no option; see docs/operating.md for those that exist."
            )
        try:
            values[name] = _convert(text, hints[name])
        except ValueError as error:
            raise OptionError(f"{variable}={text!r}: {error}") from error
        if name.endswith("_service") and text in SERVICE_WORDS:
            values[name] = f"{NEIGHBOURS}.{name.removesuffix('_service')}.{text}"
    return Options(**values)


def find_state_folder(
    base: Path, chosen: Path | None, environment: Mapping[str, str] = os.environ
) -> Path:
    """Where embedded database, secret key, logs and data of images are kept.

    ``var`` in a checkout, whose top folder is ``base``; else in the user's state folder, as the
    XDG base directory specification has it. A relative choice is one of the checkout, or of the
    current folder.
    """
    is_checkout = (base / "manage.py").exists()
    if chosen is not None:
        return (base if is_checkout else Path.cwd()) / chosen
    if is_checkout:
        return base / "var"
    home = environment.get("XDG_STATE_HOME", "")
    folder = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return folder / STATE_NAME


def _read_file(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OptionError(f"{variable} names a file that cannot be read: {error}") from error


def _convert(text: str, kind: Any) -> Any:
    if isinstance(kind, types.UnionType):  # "text or nothing"
        return _convert(text, kind.__args__[0]) if text else None
    if kind is bool:
        return _convert_bool(text)
    if kind in (int, float, str, Path):
        return kind(text)
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    items = json.loads(text)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError("give a JSON list of objects")
    return tuple(items)


def _convert_bool(text: str) -> bool:
    word = text.strip().lower()
    if word not in PLAIN_TRUE | PLAIN_FALSE:
        raise ValueError(f"give one of {', '.join(sorted(PLAIN_TRUE | PLAIN_FALSE))}")
    return word in PLAIN_TRUE
