"""``make run GUESTS=1``: this machine becomes a host of its own site, and runs real guests."""
