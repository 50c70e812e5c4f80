"""Faults on request: asked for by the API ``/faults`` or the admin, met by builds and requests.

All of this is off unless the option ``faults_on_request`` is set.
"""
