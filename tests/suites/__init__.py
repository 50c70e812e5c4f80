"""Test suites of others, each run against a cloud of its own."""
