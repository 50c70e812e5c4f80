"""Reads a cloud file (YAML or JSON) into the database; docs/operating.md describes the file."""
