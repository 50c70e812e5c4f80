"""gunicorn's configuration: ``gunicorn -c python:compute_site.web_server.configuration``.

Whatever is given on the command line or in ``GUNICORN_CMD_ARGS`` wins.
"""

wsgi_app = "compute_site.wsgi"
worker_class = "compute_site.web_server.worker.PatientWorker"
threads = 4
worker_connections = 800
"""Open connections of each process; as a rule, a process may have 1,024 files open."""
keepalive = 75
"""Seconds that a connection stays open without a request."""
graceful_timeout = 30
preload_app = True
"""A process that takes the place of another one is there at once."""
control_socket_disable = True
