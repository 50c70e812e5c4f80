"""Keystone for gunicorn."""

import os
import sys

sys.argv = ["keystone", "--config-file", os.environ["CONFIGURATION"]]

from keystone.server.wsgi import initialize_public_application

application = initialize_public_application()
