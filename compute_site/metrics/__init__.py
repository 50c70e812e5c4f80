"""Counts what the processes of the site do, for ``/metrics``.

Each process adds up in memory and writes the sums to the database every few seconds, so that the
counters are those of all processes on all machines, and survive restarts.
"""
