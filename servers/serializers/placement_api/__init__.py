"""Bodies, query strings and answers of the Placement API, at its own microversions."""
