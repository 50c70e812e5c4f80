"""``python -m tests.soak.host_tokens NUMBER``: adds so many hosts; prints their names and join
tokens as JSON.
"""

from __future__ import annotations

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")
django.setup()

from servers.hosts.agents import add_host
from servers.models.cell import CELL1

if __name__ == "__main__":
    names = [f"host{number:03}" for number in range(int(sys.argv[1]))]
    print(json.dumps({name: add_host(name, cell=CELL1) for name in names}))
