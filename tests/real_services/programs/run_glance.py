"""Glance's API for gunicorn."""

import os
import sys
from pathlib import Path

configuration = Path(os.environ["CONFIGURATION"])
sys.argv = ["glance-api", "--config-file", str(configuration)]
os.environ["OS_GLANCE_CONFIG_DIR"] = str(configuration.parent)
os.environ["OS_GLANCE_CONFIG_FILES"] = configuration.name

from glance.common.wsgi_app import init_app

application = init_app()
