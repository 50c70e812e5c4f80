"""Whether and how a guest fits on the NUMA cells and PCI devices of one host: pure rules, no
database, no HTTP.
"""
