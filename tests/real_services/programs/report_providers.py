"""Reports what the Open vSwitch agents have to the Placement API, as Neutron does when it hears of
them, by its own code.

    report_providers.py CONFIGURATION DATABASE_URL
"""

import json
import sys

from neutron.agent.common.placement_report import PlacementState
from neutron.common import config
from neutron.conf.plugins.ml2.config import register_ml2_plugin_opts
from neutron.db.models.agent import Agent
from neutron.plugins.ml2.drivers.openvswitch.mech_driver.mech_openvswitch import (
    OpenvswitchMechanismDriver,
)
from neutron_lib.placement.client import PlacementAPIClient
from oslo_config import cfg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

config.register_common_config_options()
config.init(["--config-file", sys.argv[1]])
register_ml2_plugin_opts()
client = PlacementAPIClient(cfg.CONF)


def report(host, kind, has):
    [above] = client.list_resource_providers(name=host)["resource_providers"]
    hypervisor = {"name": host, "uuid": above["uuid"]}
    bandwidths = has["resource_provider_bandwidths"]
    state = PlacementState(
        rp_bandwidths=bandwidths,
        rp_inventory_defaults={},
        rp_pkt_processing={},
        rp_pkt_processing_inventory_defaults={},
        driver_uuid_namespace=OpenvswitchMechanismDriver.resource_provider_uuid5_namespace,
        agent_type=kind,
        hypervisor_rps=dict.fromkeys(bandwidths, hypervisor),
        device_mappings={name: [bridge] for name, bridge in has["bridge_mappings"].items()},
        supported_vnic_types=["normal"],
        client=client,
    )
    for call in state.deferred_sync():
        call.execute()


with Session(create_engine(sys.argv[2])) as session:
    for agent in session.query(Agent):
        has = json.loads(agent.configurations)
        if "resource_provider_bandwidths" in has:
            report(agent.host, agent.agent_type, has)
