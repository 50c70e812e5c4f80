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
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output, such as head, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # as a program that the signal SIGPIPE ends
    except (DatabaseError, OptionError) as error:
        sys.exit(f"compute-site: {error}")


if __name__ == "__main__":
    main()
