"""What a server is made of: flavor, image, key, password. Creation, rebuild and resize share it;
each says which field of its own request is to blame.
"""
