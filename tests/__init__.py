"""Tests, measurements and soaks of the site: where they start it, its simulated hosts are quick."""

import os

os.environ.setdefault("COMPUTE_SITE_FAKE_DRIVER_DELAY_SECONDS", "0")
