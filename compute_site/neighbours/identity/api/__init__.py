"""The identity API below ``/identity`` (Keystone v3)."""
