"""The old URLs by which clients reached images and networks through compute, and the list of
extensions.
"""
