"""Every microversion with one line on what it changed."""

from __future__ import annotations

from compute_site.api.microversions.version import Microversion

LINES = """
2.1: where microversions begin; unknown keys are refused from here on
2.2: key pairs have a type, and creating or deleting one answers 201 and 204
2.3: servers show host name, reservation, boot devices and the like to admins
2.4: fixed addresses show whether they are reserved
2.5: everybody may list servers by IPv6 address
2.6: one API for all kinds of remote consoles
2.7: access to a public flavor cannot be granted any more
2.8: remote consoles of the kind mks
2.9: servers show whether they are locked
2.10: admins manage the key pairs of other users
2.11: services can be marked as forced down
2.12: virtual interfaces show their network
2.13: server groups show project and user
2.14: evacuating finds out about shared storage itself and gives no password back
2.15: soft affinity and soft anti-affinity for server groups
2.16: servers show the state of their host
2.17: the action that makes a server dump and crash
2.18: the project id in the URL is optional
2.19: servers have a description
2.20: volumes can be attached to and detached from shelved servers
2.21: the history of deleted servers can be read
2.22: a live migration can be told to complete now
2.23: running migrations of a server can be listed
2.24: a running live migration can be aborted
2.25: live migration finds out about block migration itself
2.26: servers have tags
2.27: the header OpenStack-API-Version chooses the version; the older one stays
2.28: hypervisors show their CPU as an object
2.29: evacuating to a named host asks the scheduler, unless forced
2.30: live migration to a named host asks the scheduler, unless forced
2.31: console tokens of every kind can be looked up
2.32: networks and disks of a new server may carry a device tag
2.33: hypervisors are listed in pages; disks of a new server lose their tag by mistake
2.34: live migration is checked after the answer
2.35: key pairs are listed in pages
2.36: what only passed requests on to other services is gone
2.37: networks must be said when a server is created, also as auto or none
2.38: a list of servers by an unknown status is refused
2.39: image metadata is no business of this service any more
2.40: usage is listed in pages
2.41: aggregates have a UUID
2.42: device tags are back for networks and disks
2.43: hosts have no API of their own any more
2.44: actions on fixed and floating addresses are gone
2.45: making an image answers with its id in the body
2.46: the id of a request is in X-OpenStack-Request-ID
2.47: servers embed their flavor instead of linking to it
2.48: diagnostics look the same for every hypervisor
2.49: interfaces and volumes can be attached with a tag
2.50: quota classes know server groups and forget networks
2.51: users see events of their servers' history; volumes announce that they grew
2.52: servers can be created with tags
2.53: services and hypervisors are named by UUID
2.54: rebuilding may change the key pair
2.55: flavors have a description
2.56: a cold migration may name its host
2.57: no files are injected any more; rebuilding may change the user data
2.58: the history of a server is listed in pages
2.59: migrations are listed in pages and have a UUID
2.60: a volume may be attached to several servers
2.61: flavors show their extra specs
2.62: the history of a server shows hosts
2.63: images can be checked against certificates that the client trusts
2.64: a server group has one policy, with rules
2.65: a live migration can be aborted before it starts
2.66: lists can be limited to what changed before a time
2.67: disks of a new server may name their volume type
2.68: live migration and evacuation cannot be forced any more
2.69: servers of an unreachable cell are listed with what is known of them
2.70: attached volumes and interfaces show their tag
2.71: a server shows its group
2.72: servers can use ports that ask for resources
2.73: locking takes a reason
2.74: a new server may ask for a host or a hypervisor
2.75: unknown keys of queries and actions are refused; answers about a server look alike
2.76: a change of power made outside is announced
2.77: unshelving may name a zone
2.78: the NUMA topology of a server can be read
2.79: an attached volume may be deleted together with its server
2.80: migrations show user and project and can be listed by them
2.81: hosts of an aggregate can be told to cache images
2.82: accelerators announce that they are bound
2.83: everybody may list servers by more of their properties
2.84: events of the history have details
2.85: whether an attached volume goes with its server can be changed
2.86: extra specs are checked when they are set
2.87: servers that boot from a volume can be rescued
2.88: hypervisors show no statistics any more
2.89: attached volumes are named by their attachment
2.90: the host name of a server can be chosen
2.91: unshelving may name a host and pin or unpin the zone
2.92: key pairs are only imported; their names may hold @ and dots
2.93: servers that boot from a volume can be rebuilt
2.94: the host name of a server may be a dotted name
2.95: an evacuated server stays stopped
2.96: servers show the zone they are pinned to
2.97: shared file systems can be attached to servers
2.98: servers show the properties of their image
2.99: remote consoles of the kind spice-direct
2.100: servers show the scheduler hints they were created with
2.101: attaching a volume is answered before it is done
2.102: flavors are listed by name and lose two keys; unknown keys of every query are refused
2.103: the route os-volumes_boot is gone
2.104: the zone a server is pinned to can be changed
"""

CATALOGUE: dict[Microversion, str] = {
    Microversion.parse(version): line
    for version, line in (entry.split(": ", 1) for entry in LINES.strip().splitlines())
}
