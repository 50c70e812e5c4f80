"""The configurations of the real services, as small as they can be on one machine."""

from __future__ import annotations

import configparser
import dataclasses
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.real_services.environments import Environments

HOST = "127.0.0.1"
REGION = "RegionOne"
DOMAIN = "default"
SERVICE_PROJECT = "service"
ADMIN = "admin"
PHYSICAL = "wire"
"""The physical network to which the hosts are connected, as the agents there tell Neutron."""

TYPES = {"neutron": "network", "cinder": "block-storage", "glance": "image"}
"""What the catalogue calls each service."""

BACKENDS = ("files", "more")
"""Where Cinder keeps volumes."""

Sections = Mapping[str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Where everything of a run is: a folder, a port and a database for each service."""

    folder: Path
    ports: Mapping[str, int]
    databases: Mapping[str, str]
    environments: Environments
    password: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)

    def url(self, service: str) -> str:
        return f"http://{HOST}:{self.ports[service]}"

    @property
    def auth_url(self) -> str:
        return f"{self.url('keystone')}/v3"

    def state(self, service: str) -> Path:
        return self.folder / service

    def file(self, service: str) -> Path:
        name = "glance-api" if service == "glance" else service  # Glance looks for that name
        return self.state(service) / f"{name}.conf"


def write_configurations(place: Place) -> None:
    for service, make in MAKERS.items():
        place.state(service).mkdir(parents=True)
        parser = configparser.RawConfigParser()
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_dict(make(place))
        with place.file(service).open("w") as file:
            parser.write(file)


def keystone(place: Place) -> Sections:
    state = place.state("keystone")
    return {
        "DEFAULT": {"log_file": state / "log"},
        "database": _database(place, "keystone"),
        "token": {"provider": "fernet"},
        "fernet_tokens": {"key_repository": state / "fernet"},
        "credential": {"key_repository": state / "credential"},
        "cache": {"enabled": "false"},
        "identity": {"password_hash_rounds": 4},  # nobody else comes here
    }


def neutron(place: Place) -> Sections:
    state = place.state("neutron")
    return {
        "DEFAULT": {
            "core_plugin": "ml2",
            "service_plugins": "router,qos",
            "transport_url": "fake://",
            "state_path": state,
            "log_file": state / "log",
            "api_paste_config": place.environments.neutron / "etc/neutron/api-paste.ini",
            "bind_port": place.ports["neutron"],
            "agent_down_time": 100_000,  # the agents are rows that nobody renews
            "dhcp_agent_notification": "false",
            "notify_nova_on_port_status_changes": "true",
            "notify_nova_on_port_data_changes": "true",
            "send_events_interval": 1,
        },
        "database": _database(place, "neutron"),
        "oslo_concurrency": {"lock_path": state},
        "ml2": {
            "type_drivers": "flat,vxlan",
            "tenant_network_types": "vxlan",
            "mechanism_drivers": "openvswitch,sriovnicswitch",
            "extension_drivers": "port_security,qos",
        },
        "ml2_type_vxlan": {"vni_ranges": "1:1000"},
        "ml2_type_flat": {"flat_networks": "*"},
        **dict.fromkeys(("nova", "placement"), _compute(place)),
        "keystone_authtoken": _token_check(place, "neutron"),
    }


def cinder(place: Place) -> Sections:
    state = place.state("cinder")
    return {
        "DEFAULT": {
            "transport_url": "fake://",
            "state_path": state,
            "log_file": state / "log",
            "api_paste_config": place.environments.cinder / "etc/cinder/api-paste.ini",
            "resource_query_filters_file": place.environments.cinder
            / "etc/cinder/resource_filters.json",
            "auth_strategy": "keystone",
            "enabled_backends": ",".join(BACKENDS),
            "default_volume_type": "__DEFAULT__",
            "glance_api_servers": place.url("glance"),
            "host": "tests",
            "report_interval": 2,
            "service_down_time": 100_000,  # one alone of several in a process renews its row
            "periodic_interval": 5,
            "periodic_fuzzy_delay": 0,
        },
        **{
            name: {"volume_driver": "file_volumes.FileVolumes", "volume_backend_name": name}
            for name in BACKENDS
        },
        "database": _database(place, "cinder"),
        "oslo_concurrency": {"lock_path": state},
        "nova": {
            **_credentials(place, "cinder"),
            "region_name": REGION,
            "interface": "public",
        },
        "keystone_authtoken": _token_check(place, "cinder"),
    }


def glance(place: Place) -> Sections:
    state = place.state("glance")
    return {
        "DEFAULT": {
            "log_file": state / "log",
            "enabled_backends": "files:file",
            "node_staging_uri": f"file://{state}/staging",
        },
        "glance_store": {"default_backend": "files"},
        "files": {"filesystem_store_datadir": state / "images"},
        "os_glance_staging_store": {"filesystem_store_datadir": state / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": state / "tasks"},
        "database": _database(place, "glance"),
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": place.environments.cinder / "etc/glance/glance-api-paste.ini",
        },
        "keystone_authtoken": _token_check(place, "glance"),
    }


MAKERS = {"keystone": keystone, "neutron": neutron, "cinder": cinder, "glance": glance}


def _database(place: Place, service: str) -> Mapping[str, Any]:
    return {"connection": place.databases[service], "max_pool_size": 5, "max_overflow": 5}


def _credentials(place: Place, user: str) -> Mapping[str, Any]:
    return {
        "auth_type": "password",
        "auth_url": place.auth_url,
        "username": user,
        "password": place.password,
        "project_name": SERVICE_PROJECT,
        "user_domain_id": DOMAIN,
        "project_domain_id": DOMAIN,
    }


def _compute(place: Place) -> Mapping[str, Any]:
    """Where this site is, for Neutron."""
    told = {"region_name": REGION, "endpoint_type": "public"}
    return {**_credentials(place, "neutron"), **told}


def _token_check(place: Place, user: str) -> Mapping[str, Any]:
    return {
        **_credentials(place, user),
        "service_type": TYPES[user],
        "www_authenticate_uri": place.auth_url,
        "interface": "public",
        "service_token_roles_required": "true",
    }
