"""The database: Django's PostgreSQL backend (``base``, the ``ENGINE`` of the settings), limits of
its sessions, and the answers to requests when it fails.
"""
