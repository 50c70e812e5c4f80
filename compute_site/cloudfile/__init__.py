"""Reads a cloud file (YAML or JSON) into the database; docs/cloudfile.md describes the file."""
