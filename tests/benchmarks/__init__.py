"""Measurements of the running site; ``python -m tests.benchmarks`` prints them as JSON."""
