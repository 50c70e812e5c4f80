"""The networks of this host's guests."""
