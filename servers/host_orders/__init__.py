"""Orders to the agents of hosts: given by drivers, taken and answered by agents."""
