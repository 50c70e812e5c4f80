"""What tests are made of: who asks, how they ask, and the rows that there are."""
