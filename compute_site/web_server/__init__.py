"""The web server: processes of gunicorn whose threads never wait for a client."""
