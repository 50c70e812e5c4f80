"""What is asked: random requests."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.trials.drawing import Drawing
from tests.trials.volume import values
from tests.trials.volume.sides import Request


class Asker(Drawing):
    """Makes random requests; the same seed makes the same ones."""

    def request(self) -> Request:
        makers = (
            *((self.lists,) * 6),
            *((self.shows,) * 2),
            *((self.creates,) * 4),
            *((self.changes,) * 3),
            *((self.metadata,) * 3),
            *((self.actions,) * 5),
            *((self.attachments,) * 3),
            *((self.transfers,) * 2),
            *((self.types,) * 3),
            *((self.others,) * 2),
            *((self.specs,) * 3),
            *((self.encryption,) * 3),
            *((self.group_types,) * 2),
            *((self.groups,) * 3),
            *((self.group_snapshots,) * 2),
            *((self.backups,) * 3),
            *((self.messages,) * 1),
            *((self.quotas,) * 3),
        )
        request = self.draw.choice(makers)()
        version = self.draw.choice((*values.VERSIONS, "3.71", "3.71"))
        if self.draw.random() < 0.02:
            version = self.draw.choice(("3.72", "2.0", "4.0", "three", "3", "latest"))
        return dataclasses.replace(request, version=version)

    def lists(self) -> Request:
        noun = self.draw.choice(("volumes", "volumes", "snapshots", "attachments", "types"))
        noun = self.draw.choice((noun, noun, noun, "volume-transfers"))
        detail = self.draw.choice(("", "/detail")) if noun != "types" else ""
        asked = self.some(values.FILTERS)
        query = "&".join(f"{key}={value}" for key, value in asked.items())
        return Request("list", "GET", f"{noun}{detail}?{query}")

    def shows(self) -> Request:
        noun, own = self.draw.choice(
            (("volumes", "{volume2}"), ("snapshots", "{snapshot1}"), ("types", "{type_fast}"))
        )
        row = self.draw.choice((own, own, "{unknown}", "x", "{type_own}"))
        return Request("show", "GET", f"{noun}/{row}", admin=self.draw.random() < 0.3)

    def creates(self) -> Request:
        body = {"size": 1} | self.some(values.NEW_VOLUME)
        if self.draw.random() < 0.3:
            target = self.draw.choice(("{volume1}", "{volume2}", "{unknown}", "x"))
            snapshot = {"volume_id": target, **self.some(values.NEW_SNAPSHOT)}
            return Request("create", "POST", "snapshots", {"snapshot": snapshot})
        return Request("create", "POST", "volumes", {"volume": body})

    def changes(self) -> Request:
        kind = self.draw.choice(("volume", "snapshot"))
        method = self.draw.choice(("PUT", "PUT", "DELETE"))
        body = {kind: self.some(values.CHANGES)} if method == "PUT" else None
        query = self.draw.choice(("", "", "?cascade=true", "?force=true")) if body is None else ""
        path = f"{values.USED_UP_ROWS[kind]}{query}"
        return Request(kind, method, path, body, admin=self.draw.random() < 0.2)

    def metadata(self) -> Request:
        kind = self.draw.choice(("volume", "snapshot"))
        path = f"{values.USED_UP_ROWS[kind]}/metadata"
        items = self.draw.choice(values.METADATA)
        method = self.draw.choice(("GET", "POST", "PUT", "one", "read", "DELETE"))
        if method == "one":
            return Request(kind, "PUT", f"{path}/k", {"meta": items})
        if method in ("DELETE", "read"):
            return Request(kind, "GET" if method == "read" else method, f"{path}/k")
        return Request(kind, method, path, None if method == "GET" else {"metadata": items})

    def actions(self) -> Request:
        name = self.draw.choice(sorted(values.ACTIONS))
        body = {name: self.draw.choice(values.ACTIONS[name])}
        admin = self.draw.random() < 0.4
        return Request("volume", "POST", "volumes/{scratch}/action", body, admin=admin)

    def attachments(self) -> Request:
        way = self.draw.choice(("create", "create", "show", "delete", "complete", "update"))
        url = "attachments/{attachment}"
        if way == "create":
            row = self.draw.choice(("{scratch}", "{scratch}", "{unknown}", "x"))
            body = {"attachment": {"volume_uuid": row, **self.some(values.NEW_ATTACHMENT)}}
            return Request("volume", "POST", "attachments", body)
        if way == "complete":
            complete = {"os-complete": self.draw.choice(values.NOTHING)}
            return Request("attachment", "POST", f"{url}/action", complete)
        if way == "update":
            connector = self.draw.choice(values.CONNECTORS)
            return Request("attachment", "PUT", url, {"attachment": {"connector": connector}})
        return Request("attachment", "GET" if way == "show" else "DELETE", url)

    def transfers(self) -> Request:
        noun = self.draw.choice(("volume-transfers", "os-volume-transfer"))
        way = self.draw.choice(("create", "show", "delete", "accept", "accept"))
        if way == "create":
            row = self.draw.choice(("{scratch}", "{scratch}", "{unknown}", "x"))
            body = {"transfer": {"volume_id": row, **self.some(values.NEW_TRANSFER)}}
            return Request("volume", "POST", noun, body)
        if way == "accept":
            key = self.draw.choice(("wrong", 5, None, ""))  # the right one needs other processes
            body = {"accept": {"auth_key": key}}
            return Request("transfer", "POST", f"{noun}/{{transfer}}/accept", body)
        return Request("transfer", "GET" if way == "show" else "DELETE", f"{noun}/{{transfer}}")

    def types(self) -> Request:
        row = self.draw.choice(("{type_own}", "{type_own}", "{unknown}", "{type_fast}"))
        project = {"project": self.draw.choice(("{project_demo}", "nobody", 5))}
        method, path, body = self.draw.choice(
            (
                ("PUT", f"types/{row}", {"volume_type": self.some(values.TYPE)}),
                ("POST", "types", {"volume_type": self.some(values.TYPE)}),
                ("GET", f"types/{row}/extra_specs", None),
                ("GET", f"types/{row}/extra_specs/a", None),
                (
                    *("POST", f"types/{row}/extra_specs"),
                    {"extra_specs": self.draw.choice(({"a": "b"}, {"a": 5}, {}, {"": "x"}, None))},
                ),
                ("PUT", f"types/{row}/extra_specs/a", self.draw.choice(({"a": "c"}, {"b": "c"}))),
                ("DELETE", f"types/{row}/extra_specs/none", None),
                ("GET", f"types/{row}/os-volume-type-access", None),
                ("POST", f"types/{row}/action", {"addProjectAccess": project}),
                ("POST", f"types/{row}/action", {"removeProjectAccess": project}),
            )
        )
        return Request("types", method, path, body, admin=self.draw.random() < 0.7)

    def specs(self) -> Request:
        row = self.draw.choice(("{specs}", "{specs}", "{specs0}", "{unknown}", "x"))
        kind = self.draw.choice(("{type_own}", "{type_secret}", "{unknown}"))
        method, path, body = self.draw.choice(
            (
                ("GET", self.draw.choice(("qos-specs", "qos-specs?colour=red")), None),
                ("GET", f"qos-specs/{row}", None),
                ("POST", "qos-specs", {"qos_specs": self.some(values.NEW_QOS)}),
                ("PUT", f"qos-specs/{row}", {"qos_specs": self.draw.choice(values.SPECS)}),
                ("PUT", f"qos-specs/{row}/delete_keys", {"keys": self.draw.choice(values.KEYS)}),
                ("GET", f"qos-specs/{row}/associate?vol_type_id={kind}", None),
                ("GET", f"qos-specs/{row}/associate", None),
                ("GET", f"qos-specs/{row}/disassociate?vol_type_id={kind}", None),
                ("GET", f"qos-specs/{row}/disassociate_all", None),
                ("GET", f"qos-specs/{row}/associations", None),
                ("DELETE", f"qos-specs/{row}{self.draw.choice(values.FORCED)}", None),
            )
        )
        if ("{specs0}" in path and method != "GET") or ("associate" in path and "{specs0}" in path):
            method, path, body = "GET", "qos-specs/{specs0}", None  # it stays as it is
        kind = "specs" if "{specs}" in path else "newer"
        return Request(kind, method, path, body, admin=self.draw.random() < 0.8)

    def encryption(self) -> Request:
        row = self.draw.choice(("{type_new}", "{type_new}", "{type_secret}", "{unknown}"))
        method, path, body = self.draw.choice(
            (
                ("GET", f"types/{row}/encryption", None),
                ("GET", f"types/{row}/encryption/provider", None),
                ("POST", f"types/{row}/encryption", {"encryption": self.encrypted()}),
                ("PUT", f"types/{row}/encryption/x", {"encryption": self.some(values.ENCRYPTION)}),
                ("DELETE", "types/{type_new}/encryption/x", None),
                ("GET", "volumes/{volume0}/encryption", None),
                ("GET", "volumes/{volume0}/encryption/encryption_key_id", None),
                ("DELETE", "types/{type_new}", None),
            )
        )
        if "{type_secret}" in path and method == "PUT":
            path = "types/{type_secret}/encryption/{encryption0}"
            body = {"encryption": {"cipher": "aes"}}
        kind = "type" if "{type_new}" in path else "newer"
        return Request(kind, method, path, body, admin=self.draw.random() < 0.8)

    def encrypted(self) -> dict[str, Any]:
        needed = {"provider": "luks", "control_location": "front-end"}
        return (needed if self.draw.random() < 0.7 else {}) | self.some(values.ENCRYPTION, 2)

    def group_types(self) -> Request:
        row = self.draw.choice(("{group_type}", "{group_type}", "{unknown}", "x"))
        specs = {"group_specs": self.draw.choice(values.GROUP_SPECS)}
        method, path, body = self.draw.choice(
            (
                ("GET", f"group_types?{self.draw.choice(values.GROUP_TYPE_FILTERS)}", None),
                ("GET", f"group_types/{row}", None),
                ("GET", "group_types/default", None),
                ("POST", "group_types", {"group_type": self.some(values.GROUP_TYPE)}),
                ("PUT", f"group_types/{row}", {"group_type": self.some(values.GROUP_TYPE)}),
                ("DELETE", f"group_types/{row}", None),
                ("DELETE", "group_types/{group_type0}", None),
                ("GET", f"group_types/{row}/group_specs", None),
                ("POST", f"group_types/{row}/group_specs", specs),
                ("GET", f"group_types/{row}/group_specs/{self.draw.choice('ab')}", None),
                ("PUT", f"group_types/{row}/group_specs/a", self.draw.choice(values.GROUP_SPECS)),
                ("DELETE", f"group_types/{row}/group_specs/{self.draw.choice('ab')}", None),
            )
        )
        kind = "group type" if "{group_type}" in path else "newer"
        return Request(kind, method, path, body, admin=self.draw.random() < 0.8)

    def groups(self) -> Request:
        row = self.draw.choice(("{group}", "{group}", "{group}", "{unknown}", "x"))
        source = self.draw.choice(("{group0}", "{unknown}", "x"))
        method, path, body = self.draw.choice(
            (
                ("GET", f"groups?{self.draw.choice(values.GROUP_FILTERS)}", None),
                ("GET", f"groups/detail?{self.draw.choice(values.GROUP_FILTERS)}", None),
                ("GET", f"groups/{{group0}}{self.draw.choice(('', '?list_volume=true'))}", None),
                ("GET", f"groups/{row}", None),
                ("POST", "groups", {"group": self.new_group()}),
                ("POST", "groups/action", {"create-from-src": {"source_group_id": source}}),
                ("POST", "groups/action", {"create-from-src": self.some(values.SOURCES)}),
                ("PUT", f"groups/{row}", {"group": self.some(values.GROUP_CHANGES)}),
                ("POST", f"groups/{row}/action", {"delete": self.some(values.GROUP_DELETION)}),
                ("POST", f"groups/{row}/action", {"reset_status": self.some(values.STATUS, 1)}),
                ("POST", f"groups/{row}/action", {"paint": {}}),
                ("POST", "groups/{group0}/action", {"delete": {}}),
            )
        )
        kind = "group" if "{group}" in path else "newer"
        return Request(kind, method, path, body, admin=self.draw.random() < 0.3)

    def new_group(self) -> dict[str, Any]:
        needed = {"group_type": "{group_type0}", "volume_types": ["{type_fast}"]}
        return (needed if self.draw.random() < 0.7 else {}) | self.some(values.NEW_GROUP, 2)

    def group_snapshots(self) -> Request:
        row = self.draw.choice(("{group_snapshot}", "{group_snapshot}", "{unknown}", "x"))
        end = self.draw.choice(("", "/detail"))
        new = {"group_id": self.draw.choice(("{group0}", "{unknown}", "x", None))}
        method, path, body = self.draw.choice(
            (
                ("GET", f"group_snapshots{end}?{self.draw.choice(values.GROUP_FILTERS)}", None),
                ("GET", "group_snapshots/{group_snapshot0}", None),
                ("GET", f"group_snapshots/{row}", None),
                (
                    "POST",
                    "group_snapshots",
                    {"group_snapshot": new | self.some(values.NEW_TAKEN, 2)},
                ),
                ("DELETE", f"group_snapshots/{row}", None),
                (
                    "POST",
                    f"group_snapshots/{row}/action",
                    {"reset_status": self.some(values.STATUS, 1)},
                ),
            )
        )
        kind = "group snapshot" if "{group_snapshot}" in path else "newer"
        return Request(kind, method, path, body, admin=self.draw.random() < 0.3)

    def backups(self) -> Request:
        row = self.draw.choice(("{unknown}", "x"))
        some = self.draw.choice(("{backup0}", "{backup0}", row))
        volume = self.draw.choice(("{unknown}", "x", 5))
        back = {"restore": {"volume_id": volume} | self.some(values.RESTORATION, 1)}
        method, path, body = self.draw.choice(
            (
                ("GET", f"backups?{self.draw.choice(values.BACKUP_FILTERS)}", None),
                ("GET", f"backups/detail?{self.draw.choice(values.BACKUP_FILTERS)}", None),
                ("GET", f"backups/{some}", None),
                ("POST", "backups", {"backup": self.some(values.NEW_BACKUP)}),
                ("POST", f"backups/{some}/restore", back),
                ("POST", f"backups/{row}/restore", {"restore": {}}),
                ("PUT", f"backups/{some}", {"backup": self.some(values.BACKUP_CHANGES)}),
                ("DELETE", f"backups/{row}", None),
                ("POST", f"backups/{row}/action", {"os-force_delete": {}}),
                (
                    "POST",
                    f"backups/{some}/action",
                    {"os-reset_status": self.some(values.STATUS, 1)},
                ),
            )
        )
        if body and "os-reset_status" in body and "{backup0}" in path:
            body = {"os-reset_status": {"status": "available"}}  # it stays as it is
        return Request("newer", method, path, body, admin=self.draw.random() < 0.3)

    def messages(self) -> Request:
        row = self.draw.choice(("{message}", "{message}", "{unknown}", "x"))
        method, path = self.draw.choice(
            (
                ("GET", f"messages?{self.draw.choice(values.MESSAGE_FILTERS)}"),
                ("GET", f"messages/{row}"),
                ("GET", "messages/{message0}"),
                ("DELETE", f"messages/{row}"),
            )
        )
        kind = "message" if "{message}" in path else "newer"
        return Request(kind, method, path, admin=self.draw.random() < 0.3)

    def quotas(self) -> Request:
        """Of a project in which nothing is made."""
        project = self.draw.choice(("{project_other}", "{project_other}", "{project_demo}"))
        own = "?usage=true" if self.draw.random() < 0.3 else ""
        method, path, body = self.draw.choice(
            (
                ("GET", f"os-quota-sets/{project}{own}", None),
                ("GET", f"os-quota-sets/{project}/defaults", None),
                ("PUT", "os-quota-sets/{project_other}", {"quota_set": self.some(values.QUOTAS)}),
                ("PUT", "os-quota-sets/{project_other}", {"quota_set": self.some(values.QUOTAS)}),
                ("PUT", "os-quota-sets/{project_demo}", {"quota_set": {"volumes": 1}}),
                ("DELETE", "os-quota-sets/{project_other}", None),
                ("GET", f"os-quota-class-sets/{self.draw.choice(values.CLASSES)}", None),
                (
                    *("PUT", f"os-quota-class-sets/{self.draw.choice(values.CLASSES[1:])}"),
                    {"quota_class_set": self.some(values.QUOTAS)},
                ),
                ("GET", f"limits?project_id={project}", None),
            )
        )
        return Request("quota", method, path, body, admin=self.draw.random() < 0.8)

    def others(self) -> Request:
        owner = self.draw.choice(("{project_demo}", "{project_demo}", "{project_admin}"))
        kind = {"default_type": {"volume_type": self.draw.choice(("none", "{type_fast}", 5))}}
        method, path, body = self.draw.choice(
            (
                ("GET", "limits", None),
                ("GET", "os-availability-zone", None),
                ("GET", "volumes/summary", None),
                ("GET", "resource_filters?resource=volume", None),
                ("GET", "default-types", None),
                ("GET", f"default-types/{owner}", None),
                ("PUT", f"default-types/{owner}", kind),
                ("DELETE", f"default-types/{owner}", None),
                ("GET", "extensions", None),
                ("GET", "paint", None),
                ("GET", "os-hosts", None),
            )
        )
        return Request("other", method, path, body, admin=self.draw.random() < 0.6)
