"""Things of the cloud of the quickstart (``cloudfile/demo.yaml``), for the examples of documents
and pages.
"""

IMAGE = "4a5c0e58-6f0b-4a9e-9d0e-0c5a51b1c001"
NETWORK = "7b1d8a30-1f6e-4f6b-8a55-3c2e4b9d2001"
PUBLIC_NETWORK = "7b1d8a30-1f6e-4f6b-8a55-3c2e4b9d2002"
SUBNET = "9e2c6f14-5d3a-4b7c-b0aa-61d7f08e3001"
ROUTER = "5b0c7e2d-84f1-4a36-9d15-2f6a0c9b6001"
SECURITY_GROUP = "2d6b1c94-3f75-4e08-8b1a-90c4d7e25001"
VOLUME = "c3f7a2b8-90de-4c1f-a6d4-75b2e0914001"
OTHER_VOLUME = "c3f7a2b8-90de-4c1f-a6d4-75b2e0914002"
HOST = "rack1-node1"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILveJqbB+328s3QakbtDewi61XjIhuu1ctZfSBauHoPe demo"
SERVER = "70a599e0-31e7-49b7-b260-868f441e862b"
PROJECT = "6f70656e737461636b20342065766572"
"""No server and no project of that cloud, whose ids are made up when it is loaded: whoever tries
the example puts in the id of one.
"""
NEW_SERVER = {
    "server": {
        "name": "my-server",
        "imageRef": IMAGE,
        "flavorRef": "2",
        "networks": [{"uuid": NETWORK}],
        "metadata": {"purpose": "trial"},
    }
}
"""Every microversion takes it."""
