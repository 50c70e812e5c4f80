#!/usr/bin/env python3
"""Django's command line for compute-site."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")
    from django.core.management import execute_from_command_line

    from compute_site.db.embedded import DatabaseError
    from compute_site.options import OptionError

    try:
        execute_from_command_line(sys.argv)
    except (DatabaseError, OptionError) as error:
        sys.exit(f"compute-site: {error}")


if __name__ == "__main__":
    main()
