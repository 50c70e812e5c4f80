"""The program that runs guests on a host: it takes orders from the site and reports to it.

It imports nothing of the site and has no access to its database: what it may know, the API of hosts
tells it (``docs/guests.md``).
"""
