"""What can be done with a server that exists.

Most actions are a row of the table ``servers.lifecycle.actions``: ``ask_host`` takes the first step
and defers the job, ``perform`` does the host's part and takes the last step. ``lock`` and ``reset``
need no host.
"""
