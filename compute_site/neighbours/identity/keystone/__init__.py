"""A Keystone elsewhere: what its tokens say, remembered for a while, and the rows of the projects
and users that it knows.
"""
