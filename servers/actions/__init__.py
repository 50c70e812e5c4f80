"""What can be done with a server once it exists: each action is one step to begin and one to end.

``host`` is the table of those that a host does, ``begin`` takes the first step and queues the
rest, ``servers.actions.perform`` does it. ``lock`` and ``reset`` need no host.
"""
