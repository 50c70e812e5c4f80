"""What a server has from other services: ports and volumes."""
