"""Makes Neutron's tables, and an agent for each host, as the agents of a whole cloud would report
themselves: ports can be bound on these hosts then.

    make_neutron.py DATABASE_URL HOST…
"""

import datetime as dt
import json
import sys
import uuid

from neutron.db.migration.models import head
from neutron.db.models.agent import Agent
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

url, *hosts = sys.argv[1:]
engine = create_engine(url)
head.get_metadata().create_all(engine)
now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
kind = {
    "agent_type": "Open vSwitch agent",
    "binary": "neutron-openvswitch-agent",
    "topic": "N/A",
    "created_at": now,
    "started_at": now,
    "heartbeat_timestamp": now,
    "configurations": json.dumps({"tunnel_types": ["vxlan"], "bridge_mappings": {}}),
}
with Session(engine) as session, session.begin():
    session.add_all(Agent(id=str(uuid.uuid4()), host=host, **kind) for host in hosts)
