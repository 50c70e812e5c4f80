#!/usr/bin/env python3
"""Django's command line for compute-site."""

import sys

from compute_site.__main__ import manage

if __name__ == "__main__":
    manage(sys.argv)
