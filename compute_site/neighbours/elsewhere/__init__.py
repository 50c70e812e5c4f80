"""Calls of services elsewhere: a real Keystone, Glance, Neutron or Cinder of an existing cloud.

One session of a process logs in as the service user and keeps connections open; every call goes
through ``RemoteService``, never while a transaction of ours is open.
"""
