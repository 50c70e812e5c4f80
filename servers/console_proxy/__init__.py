"""Leads people's browsers to consoles of guests: a process of its own beside the site."""
