"""What compute answers for other services, or of itself, to clients of older microversions."""
