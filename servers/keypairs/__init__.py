"""Key pairs: kept, made, and their fingerprints."""
