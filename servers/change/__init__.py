"""What is changed of a server without its host: names, metadata, tags, state, its end."""
