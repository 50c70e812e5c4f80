"""Neutron's API for gunicorn."""

import os
import sys

sys.argv = ["neutron-api", "--config-file", os.environ["CONFIGURATION"]]

from neutron import server
from neutron.server import api

application = server.boot_server(api.api_server)
