"""What the Placement API does: resource providers, their inventories, traits and aggregates, and
the allocations of consumers.

All changes lock the trees of the providers first (``ResourceProvider.objects.lock_trees``), as the
search for hosts does when it claims, so that both see the same amounts.
"""
