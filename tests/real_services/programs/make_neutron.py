"""Makes Neutron's tables, and the agents of each host, as those of a whole cloud would report
themselves: ports can be bound on these hosts then.

    make_neutron.py DATABASE_URL PHYSICAL_NETWORK HOST…
"""

import datetime as dt
import json
import sys
import uuid

from neutron.db.migration.models import head
from neutron.db.models.agent import Agent
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

url, physical, *hosts = sys.argv[1:]
engine = create_engine(url)
head.get_metadata().create_all(engine)
now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
BRIDGE = f"br-{physical}"
SWITCH = {
    "tunnel_types": ["vxlan"],
    "bridge_mappings": {physical: BRIDGE},
    "resource_provider_bandwidths": {BRIDGE: {"egress": 10_000, "ingress": 10_000}},
}
CARDS = {"device_mappings": {physical: ["eth1"]}}
KINDS = {
    ("Open vSwitch agent", "neutron-openvswitch-agent"): SWITCH,
    ("NIC Switch agent", "neutron-sriov-nic-agent"): CARDS,
}


def make_agent(host, agent_type, binary, configurations):
    return Agent(
        id=str(uuid.uuid4()),
        host=host,
        agent_type=agent_type,
        binary=binary,
        topic="N/A",
        created_at=now,
        started_at=now,
        heartbeat_timestamp=now,
        configurations=json.dumps(configurations),
    )


with Session(engine) as session, session.begin():
    for host in hosts:
        session.add_all(make_agent(host, *kind, told) for kind, told in KINDS.items())
