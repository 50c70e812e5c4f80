"""What runs guests on this host."""
