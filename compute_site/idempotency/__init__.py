"""Requests that clients may repeat: the answer to one with a key is kept beside its effect."""
