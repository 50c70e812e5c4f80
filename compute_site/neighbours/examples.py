"""An example of the body of each POST, PUT and PATCH of the image, network, volume and identity
APIs, for their OpenAPI documents: each succeeds in the cloud of the quickstart.

``MADE`` stands for the id of something that this cloud does not have yet; whoever tries the example
makes one, and puts in its id.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from compute_site.api import demo
from compute_site.identity.ids import stable_id

MADE = demo.SERVER
TRANSFER_KEY = "0123456789abcdef"
"""Stands for the key that only the answer to an offer tells."""
OWN = "00000000000000000000000000000000"
"""Stands for the id of the own user."""
ACCESS_KEY, SIGNATURE = "0a" * 16, "c2lnbmVk"
"""Stand for those of a pair of keys."""
WITHOUT_BODY = None
IMAGE_DATA = "any bytes are a raw image"
LOGIN = {
    "identity": {
        "methods": ["password"],
        "password": {
            "user": {"name": "demo", "domain": {"id": "default"}, "password": "demo"},
        },
    },
    "scope": {"project": {"name": "demo", "domain": {"id": "default"}}},
}
COMPUTE_SERVICE = stable_id("service", "compute")
IDENTITY: Mapping[str, Any] = {
    "post auth/tokens": {"auth": LOGIN},
    "post projects": {"project": {"name": "trial", "description": "for a week"}},
    "patch projects/{project_id}": {"project": {"description": "for another week"}},
    "post users": {"user": {"name": "grace", "password": "a long password", "enabled": True}},
    "patch users/{user_id}": {"user": {"email": "grace@example.org"}},
    "post users/{user_id}/password": {
        "user": {"original_password": "a long password", "password": "a longer password"}
    },
    "post users/{user_id}/application_credentials": {
        "application_credential": {"name": "for-scripts", "roles": [{"name": "reader"}]}
    },
    "post domains": {"domain": {"name": "branch", "description": "another office"}},
    "patch domains/{domain_id}": {"domain": {"description": "the other office"}},
    "post groups": {"group": {"name": "testers", "description": "who tries things out"}},
    "patch groups/{group_id}": {"group": {"description": "who tries new things out"}},
    "put groups/{group_id}/users/{user_id}": WITHOUT_BODY,
    "post roles": {"role": {"name": "auditor", "description": "looks, and changes nothing"}},
    "patch roles/{role_id}": {"role": {"description": "looks only"}},
    "put roles/{prior_role_id}/implies/{implied_role_id}": WITHOUT_BODY,
    "put projects/{project_id}/tags": {"tags": ["blue", "trial"]},
    "put projects/{project_id}/tags/{tag}": WITHOUT_BODY,
    "post regions": {"region": {"id": "RegionTwo", "description": "the second place"}},
    "put regions/{region_id}": {"region": {"description": "the third place"}},
    "patch regions/{region_id}": {"region": {"description": "the first place"}},
    "post services": {"service": {"type": "dns", "name": "designate"}},
    "patch services/{service_id}": {"service": {"description": "names of servers"}},
    "post endpoints": {
        "endpoint": {
            "service_id": COMPUTE_SERVICE,
            "interface": "public",
            "region_id": "RegionOne",
            "url": "https://compute.example.org/v2.1",
        }
    },
    "patch endpoints/{endpoint_id}": {"endpoint": {"enabled": False}},
    "post registered_limits": {
        "registered_limits": [
            {
                "service_id": COMPUTE_SERVICE,
                "resource_name": "class:VCPU",
                "default_limit": 20,
            }
        ]
    },
    "patch registered_limits/{registered_limit_id}": {"registered_limit": {"default_limit": 40}},
    "post limits": {
        "limits": [
            {
                "service_id": COMPUTE_SERVICE,
                "resource_name": "class:VCPU",
                "project_id": demo.PROJECT,
                "resource_limit": 10,
            }
        ]
    },
    "patch limits/{limit_id}": {"limit": {"resource_limit": 12}},
    "post credentials": {
        "credential": {"user_id": MADE, "type": "totp", "blob": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
    },
    "patch credentials/{credential_id}": {
        "credential": {"blob": "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK"}
    },
    "post users/{user_id}/credentials/OS-EC2": {"tenant_id": demo.PROJECT},
    "post ec2tokens": {
        "credentials": {
            "access": ACCESS_KEY,
            "signature": SIGNATURE,
            "verb": "GET",
            "host": "ec2.example.org",
            "path": "/",
            "params": {"Action": "DescribeInstances", "SignatureVersion": "2"},
        }
    },
    "post s3tokens": {
        "credentials": {
            "access": ACCESS_KEY,
            "signature": SIGNATURE,
            "token": "R0VUCgoKCi9waWN0dXJlcw==",
        }
    },
    "post OS-TRUST/trusts": {
        "trust": {
            "trustor_user_id": OWN,
            "trustee_user_id": MADE,
            "project_id": demo.PROJECT,
            "impersonation": False,
            "roles": [{"name": "reader"}],
        }
    },
    "post OS-OAUTH1/consumers": {"consumer": {"description": "a site of pictures"}},
    "patch OS-OAUTH1/consumers/{oauth_consumer_id}": {
        "consumer": {"description": "pictures and films"}
    },
    "post OS-OAUTH1/request_token": WITHOUT_BODY,
    "put OS-OAUTH1/authorize/{request_token_id}": {"roles": [{"name": "reader"}]},
    "post OS-OAUTH1/access_token": WITHOUT_BODY,
    "post OS-OAUTH2/token": {
        "grant_type": "client_credentials",
        "client_id": ACCESS_KEY,
        "client_secret": "as the answer told that made it",
    },
    "post policies": {"policy": {"type": "application/json", "blob": '{"default": "role:admin"}'}},
    "patch policies/{policy_id}": {"policy": {"blob": '{"default": "role:reader"}'}},
    **{
        f"put policies/{{policy_id}}/OS-ENDPOINT-POLICY/{place}": WITHOUT_BODY
        for place in (
            "endpoints/{endpoint_id}",
            "services/{service_id}",
            "services/{service_id}/regions/{region_id}",
        )
    },
    "put domains/{domain_id}/config": {"config": {"identity": {"driver": "ldap"}}},
    "patch domains/{domain_id}/config": {"config": {"ldap": {"url": "ldap://example.org"}}},
    "patch domains/{domain_id}/config/{group}": {"config": {"identity": {"list_limit": 100}}},
    "patch domains/{domain_id}/config/{group}/{option}": {"config": {"driver": "sql"}},
    "post OS-EP-FILTER/endpoint_groups": {
        "endpoint_group": {"name": "public-compute", "filters": {"service_id": COMPUTE_SERVICE}}
    },
    "patch OS-EP-FILTER/endpoint_groups/{endpoint_group_id}": {
        "endpoint_group": {"filters": {"interface": "public"}}
    },
    "put OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}": WITHOUT_BODY,
    "put OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}": WITHOUT_BODY,
    **{
        f"put {begin}{place}/{holder}/roles/{{role_id}}{end}": WITHOUT_BODY
        for holder in ("users/{user_id}", "groups/{group_id}")
        for place in ("projects/{project_id}", "domains/{domain_id}")
        for begin, end in (("", ""), ("OS-INHERIT/", "/inherited_to_projects"))
    },
    **{
        f"put system/{holder}/roles/{{role_id}}": WITHOUT_BODY
        for holder in ("users/{user_id}", "groups/{group_id}")
    },
}
METADEF_OBJECT = {
    "name": "contract",
    "required": ["end"],
    "properties": {"end": {"title": "Last day", "type": "string"}},
}
METADEF_PROPERTY = {"name": "seats", "title": "Seats", "type": "integer", "minimum": 1}
IMAGE: Mapping[str, Any] = {
    "post images": {
        "name": "my-image",
        "disk_format": "raw",
        "container_format": "bare",
        "min_disk": 1,
        "visibility": "private",
        "os_distro": "debian",
        "tags": ["trial"],
    },
    "patch images/{image_id}": [{"op": "replace", "path": "/name", "value": "cirros-6"}],
    "put images/{image_id}/file": IMAGE_DATA,
    "put images/{image_id}/stage": IMAGE_DATA,
    "post images/{image_id}/import": {"method": {"name": "glance-direct"}},
    "post images/{image_id}/actions/deactivate": WITHOUT_BODY,
    "post images/{image_id}/actions/reactivate": WITHOUT_BODY,
    "put images/{image_id}/tags/{tag}": WITHOUT_BODY,
    "post images/{image_id}/members": {"member": demo.PROJECT},
    "put images/{image_id}/members/{member_id}": {"status": "accepted"},
    "post tasks": {
        "type": "import",
        "input": {
            "import_from": "https://images.example.org/small.qcow2",
            "import_from_format": "qcow2",
            "image_properties": {"name": "from-the-web", "visibility": "private"},
        },
    },
    "post metadefs/namespaces": {
        "namespace": "Example::Licences",
        "display_name": "Licences",
        "visibility": "public",
        "resource_type_associations": [{"name": "OS::Glance::Image"}],
        "properties": {"licence": {"title": "Licence", "type": "string", "enum": ["GPL", "MIT"]}},
    },
    "put metadefs/namespaces/{namespace}": {
        "namespace": "Example::Licences",
        "description": "under which programs are passed on",
        "visibility": "public",
    },
    "post metadefs/namespaces/{namespace}/objects": METADEF_OBJECT,
    "put metadefs/namespaces/{namespace}/objects/{definition}": METADEF_OBJECT,
    "post metadefs/namespaces/{namespace}/properties": METADEF_PROPERTY,
    "put metadefs/namespaces/{namespace}/properties/{definition}": METADEF_PROPERTY,
    "post metadefs/namespaces/{namespace}/tags": {"tags": [{"name": "free"}, {"name": "paid"}]},
    "post metadefs/namespaces/{namespace}/tags/{definition}": WITHOUT_BODY,
    "put metadefs/namespaces/{namespace}/tags/{definition}": {"name": "gratis"},
    "post metadefs/namespaces/{namespace}/resource_types": {
        "name": "OS::Nova::Server",
        "prefix": "app_",
    },
}
TAGGED = (
    *("networks", "subnets", "ports", "security-groups", "floatingips", "routers"),
    "subnetpools",
    *("qos/policies", "policies"),
)
RULES = "qos/policies/{policy_id}"
NETWORK: Mapping[str, Any] = {
    "post networks": {"network": {"name": "backend", "admin_state_up": True}},
    "put networks/{row_id}": {"network": {"description": "of the servers of demo"}},
    "post subnets": {
        "subnet": {
            "network_id": demo.NETWORK,
            "name": "private-v4-more",
            "ip_version": 4,
            "cidr": "10.0.1.0/24",
            "allocation_pools": [{"start": "10.0.1.10", "end": "10.0.1.200"}],
        }
    },
    "put subnets/{row_id}": {"subnet": {"dns_nameservers": ["10.0.0.1", "10.0.0.2"]}},
    "post ports": {
        "port": {
            "network_id": demo.NETWORK,
            "name": "fixed",
            "fixed_ips": [{"subnet_id": demo.SUBNET, "ip_address": "10.0.0.50"}],
        }
    },
    "put ports/{row_id}": {"port": {"name": "renamed", "description": "of the database"}},
    "post security-groups": {
        "security_group": {"name": "database", "description": "PostgreSQL from inside"}
    },
    "put security-groups/{row_id}": {"security_group": {"description": "of the web servers"}},
    "post security-group-rules": {
        "security_group_rule": {
            "security_group_id": demo.SECURITY_GROUP,
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": 8080,
            "port_range_max": 8080,
            "remote_ip_prefix": "10.0.0.0/24",
        }
    },
    "put security-group-rules/{row_id}": {"security_group_rule": {"description": "of the proxy"}},
    "post floatingips": {
        "floatingip": {"floating_network_id": demo.PUBLIC_NETWORK, "description": "of the web"}
    },
    "put floatingips/{row_id}": {"floatingip": {"description": "of the mail"}},
    "post routers": {
        "router": {
            "name": "way-out",
            "external_gateway_info": {"network_id": demo.PUBLIC_NETWORK},
        }
    },
    "put routers/{row_id}": {"router": {"description": "to the public network"}},
    "put routers/{row_id}/add_router_interface": {"subnet_id": MADE},
    "put routers/{row_id}/remove_router_interface": {"subnet_id": demo.SUBNET},
    "put routers/{row_id}/add_extraroutes": {
        "router": {"routes": [{"destination": "10.9.0.0/24", "nexthop": "10.0.0.9"}]}
    },
    "put routers/{row_id}/remove_extraroutes": {
        "router": {"routes": [{"destination": "10.9.0.0/24", "nexthop": "10.0.0.9"}]}
    },
    "post ports/{row_id}/bindings": {"binding": {"host": "rack2-node1"}},
    "put ports/{row_id}/bindings/{host}": {"binding": {"vnic_type": "normal"}},
    "put ports/{row_id}/bindings/{host}/activate": WITHOUT_BODY,
    "post rbac-policies": {
        "rbac_policy": {
            "object_type": "network",
            "object_id": demo.NETWORK,
            "action": "access_as_shared",
            "target_tenant": demo.PROJECT,
        }
    },
    "put rbac-policies/{row_id}": {"rbac_policy": {"target_tenant": demo.PROJECT}},
    "post address-groups": {
        "address_group": {"name": "offices", "addresses": ["10.8.0.0/16", "10.9.0.7/32"]}
    },
    "put address-groups/{row_id}": {"address_group": {"description": "where people sit"}},
    "put address-groups/{row_id}/add_addresses": {"addresses": ["10.10.0.0/16"]},
    "put address-groups/{row_id}/remove_addresses": {"addresses": ["10.8.0.0/16"]},
    "post address-scopes": {"address_scope": {"name": "inside", "ip_version": 4}},
    "put address-scopes/{row_id}": {"address_scope": {"name": "within"}},
    "post subnetpools": {
        "subnetpool": {
            "name": "tens",
            "prefixes": ["10.64.0.0/12"],
            "default_prefixlen": 24,
            "default_quota": 65536,
        }
    },
    "put subnetpools/{row_id}": {"subnetpool": {"description": "for everything"}},
    "put subnetpools/{row_id}/add_prefixes": {"prefixes": ["10.80.0.0/16"]},
    "put subnetpools/{row_id}/remove_prefixes": {"prefixes": ["10.79.0.0/16"]},
    "post qos/policies": {"policy": {"name": "slow", "description": "for trials"}},
    "put qos/policies/{row_id}": {"policy": {"description": "for longer trials"}},
    f"post {RULES}/bandwidth_limit_rules": {
        "bandwidth_limit_rule": {"max_kbps": 10000, "direction": "ingress"}
    },
    f"put {RULES}/bandwidth_limit_rules/{{row_id}}": {"bandwidth_limit_rule": {"max_kbps": 20000}},
    f"post {RULES}/minimum_bandwidth_rules": {
        "minimum_bandwidth_rule": {"min_kbps": 1000, "direction": "ingress"}
    },
    f"put {RULES}/minimum_bandwidth_rules/{{row_id}}": {
        "minimum_bandwidth_rule": {"min_kbps": 2000}
    },
    f"post {RULES}/minimum_packet_rate_rules": {
        "minimum_packet_rate_rule": {"min_kpps": 100, "direction": "ingress"}
    },
    f"put {RULES}/minimum_packet_rate_rules/{{row_id}}": {
        "minimum_packet_rate_rule": {"min_kpps": 200}
    },
    f"post {RULES}/dscp_marking_rules": {"dscp_marking_rule": {"dscp_mark": 8}},
    f"put {RULES}/dscp_marking_rules/{{row_id}}": {"dscp_marking_rule": {"dscp_mark": 16}},
    "put quotas/{owner}": {"quota": {"port": 300}},
    **{
        f"{method} {kind}/{{row_id}}/tags": {"tags": ["trial", "blue"]}
        for kind in TAGGED
        for method in ("post", "put")
    },
    **{f"put {kind}/{{row_id}}/tags/{{tag}}": WITHOUT_BODY for kind in TAGGED},
}
RECORD = {
    "id": "0b9ad6c1-4b4c-4fd4-8d4b-9d1c8f4c9a10",
    "size": 1,
    "volume_id": "5f0c2f0e-6f0a-4c53-9c36-0d5b6b1c2a11",
    "display_name": "sunday",
    "created_at": "2026-01-04T03:00:00",
    "data_timestamp": "2026-01-04T03:00:00",
}
"""Of a backup without bytes, which nobody has here."""
LOST_BACKUP = {
    "backup_service": "cinder.backup.drivers.posix.PosixBackupDriver",
    "backup_url": base64.b64encode(json.dumps(RECORD).encode()).decode(),
}
VOLUME: Mapping[str, Any] = {
    "post volumes": {"volume": {"name": "my-volume", "size": 10, "volume_type": "fast"}},
    "put volumes/{volume_id}": {"volume": {"name": "root", "description": "of the first server"}},
    "post volumes/{volume_id}/action": {"os-extend": {"new_size": 20}},
    "post attachments": {"attachment": {"volume_uuid": demo.VOLUME, "mode": "rw"}},
    "put attachments/{attachment_id}": {
        "attachment": {"connector": {"host": "backup-1", "ip": "10.0.0.7", "os_type": "linux"}}
    },
    "post attachments/{attachment_id}/action": {"os-complete": None},
    "post snapshots": {"snapshot": {"volume_id": demo.VOLUME, "name": "before-upgrade"}},
    "put snapshots/{snapshot_id}": {"snapshot": {"name": "after-upgrade"}},
    "post snapshots/{snapshot_id}/action": {"os-reset_status": {"status": "available"}},
    **{
        f"{method} {thing}/metadata": {"metadata": {"purpose": "trial"}}
        for method in ("post", "put")
        for thing in ("volumes/{volume_id}", "snapshots/{snapshot_id}")
    },
    **{
        f"put {thing}/metadata/{{key}}": {"meta": {"purpose": "work"}}
        for thing in ("volumes/{volume_id}", "snapshots/{snapshot_id}")
    },
    **{
        name.format(noun): body
        for noun in ("volume-transfers", "os-volume-transfer")
        for name, body in {
            "post {}": {"transfer": {"volume_id": demo.VOLUME, "name": "for-blue"}},
            "post {}/{{transfer_id}}/accept": {"accept": {"auth_key": TRANSFER_KEY}},
        }.items()
    },
    **{
        f"post {noun}": {
            "volume": {
                "host": "local@database#volumes",
                "ref": {"source-name": f"volume-{MADE}"},
                "name": "found",
            }
        }
        for noun in ("manageable_volumes", "os-volume-manage")
    },
    "put default-types/{owner}": {"default_type": {"volume_type": "fast"}},
    "put os-services/{action}": {"host": "local@database", "binary": "cinder-volume"},
    "post types": {"volume_type": {"name": "archive", "description": "slow and cheap"}},
    "put types/{type_id}": {"volume_type": {"description": "slower and cheaper"}},
    "post types/{type_id}/action": {"addProjectAccess": {"project": demo.PROJECT}},
    "post types/{type_id}/extra_specs": {"extra_specs": {"purpose": "trial"}},
    "put types/{type_id}/extra_specs/{key}": {"purpose": "work"},
    "post group_types": {"group_type": {"name": "loose"}},
    "put group_types/{group_type_id}": {"group_type": {"description": "without promises"}},
    "post group_types/{group_type_id}/group_specs": {"group_specs": {"purpose": "trial"}},
    "put group_types/{group_type_id}/group_specs/{key}": {"purpose": "work"},
    "post groups": {"group": {"name": "mail", "group_type": "loose", "volume_types": ["fast"]}},
    "post groups/action": {"create-from-src": {"name": "copy", "source_group_id": MADE}},
    "put groups/{volume_group_id}": {"group": {"name": "post"}},
    "post groups/{volume_group_id}/action": {"delete": {"delete-volumes": True}},
    "post group_snapshots": {"group_snapshot": {"group_id": MADE, "name": "monday"}},
    "post group_snapshots/{group_snapshot_id}/action": {"reset_status": {"status": "available"}},
    "post backups": {"backup": {"volume_id": demo.VOLUME, "name": "monday", "force": True}},
    "post backups/import_record": {"backup-record": LOST_BACKUP},
    "put backups/{backup_id}": {"backup": {"name": "tuesday"}},
    "post backups/{backup_id}/restore": {"restore": {"name": "restored"}},
    "post backups/{backup_id}/action": {"os-reset_status": {"status": "error"}},
    "post qos-specs": {"qos_specs": {"name": "gentle", "consumer": "front-end"}},
    "put qos-specs/{specs_id}": {"qos_specs": {"total_iops_sec": "500"}},
    "put qos-specs/{specs_id}/delete_keys": {"keys": ["total_iops_sec"]},
    "post types/{type_id}/encryption": {
        "encryption": {"provider": "luks", "control_location": "front-end", "key_size": 256}
    },
    "put types/{type_id}/encryption/{key}": {"encryption": {"key_size": 512}},
    "put os-quota-class-sets/{quota_class}": {"quota_class_set": {"volumes": 50}},
    "put os-quota-sets/{owner}": {"quota_set": {"volumes": 200}},
}
MOUNTS = {
    "/identity/v3/": IDENTITY,
    "/image/v2/": IMAGE,
    "/network/v2.0/": NETWORK,
    "/volume/v3/": VOLUME,
}
EXAMPLES: Mapping[str, Any] = {
    "{} {}{}".format(name.partition(" ")[0], mount, name.partition(" ")[2]): body
    for mount, bodies in MOUNTS.items()
    for name, body in bodies.items()
}
"""By method and path."""
IN_PATH: Mapping[str, str] = {
    "image_id": demo.IMAGE,
    "volume_id": demo.VOLUME,
    "networks/{row_id}": demo.NETWORK,
    "subnets/{row_id}": demo.SUBNET,
    "routers/{row_id}": demo.ROUTER,
    "security-groups/{row_id}": demo.SECURITY_GROUP,
    "action": "enable",
    "quota_class": "default",
    "key": "purpose",
    "tag": "blue",
}
"""Parts of paths to begin with, by name, or by what stands before."""
