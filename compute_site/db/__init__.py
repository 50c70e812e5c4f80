"""The database as the site uses it: Django's PostgreSQL backend (``base``, the ``ENGINE`` of the
settings), limits of its sessions, and what becomes of a request when it fails.
"""
