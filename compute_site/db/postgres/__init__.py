"""The embedded PostgreSQL: the programs of a wheel, started and ended by ourselves.

Nothing outside the state folder is changed by a start, with two exceptions that are told in
``place``: a private folder for the socket where the path of the state folder is too long, and, for
root, ``/var/lib/compute-site`` where the account that runs the server cannot reach the state
folder.
"""
