"""What servers look like to those who ask: found, listed, described."""
