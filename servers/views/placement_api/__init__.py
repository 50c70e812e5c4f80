"""The Placement API below ``/placement``."""
