"""The API of hosts, below ``/host/v1``: what agents say, and what they are told."""
