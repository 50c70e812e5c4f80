"""How full the cloud is, and what happened in it over time."""
