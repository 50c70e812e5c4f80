"""What is asked: random requests."""

from __future__ import annotations

import dataclasses

from tests.trials.drawing import Drawing
from tests.trials.volume.sides import Request
from tests.trials.volume.values import (
    ACTIONS,
    CHANGES,
    CONNECTORS,
    ENCRYPTION,
    FILTERS,
    GROUP_TYPE,
    METADATA,
    NEW_ATTACHMENT,
    NEW_BACKUP,
    NEW_GROUP,
    NEW_QOS,
    NEW_SNAPSHOT,
    NEW_TRANSFER,
    NEW_VOLUME,
    NOTHING,
    SPECS,
    TYPE,
    USED_UP_ROWS,
    VERSIONS,
)


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
            *((self.newer,) * 6),
        )
        request = self.draw.choice(makers)()
        version = self.draw.choice((*VERSIONS, "3.71", "3.71"))
        if self.draw.random() < 0.02:
            version = self.draw.choice(("3.72", "2.0", "4.0", "three", "3", "latest"))
        return dataclasses.replace(request, version=version)

    def lists(self) -> Request:
        noun = self.draw.choice(("volumes", "volumes", "snapshots", "attachments", "types"))
        noun = self.draw.choice((noun, noun, noun, "volume-transfers"))
        detail = self.draw.choice(("", "/detail")) if noun != "types" else ""
        asked = self.some(FILTERS)
        query = "&".join(f"{key}={value}" for key, value in asked.items())
        return Request("list", "GET", f"{noun}{detail}?{query}")

    def shows(self) -> Request:
        noun, own = self.draw.choice(
            (("volumes", "{volume2}"), ("snapshots", "{snapshot1}"), ("types", "{type_fast}"))
        )
        row = self.draw.choice((own, own, "{unknown}", "x", "{type_own}"))
        return Request("show", "GET", f"{noun}/{row}", admin=self.draw.random() < 0.3)

    def creates(self) -> Request:
        body = {"size": 1} | self.some(NEW_VOLUME)
        if self.draw.random() < 0.3:
            target = self.draw.choice(("{volume1}", "{volume2}", "{unknown}", "x"))
            snapshot = {"volume_id": target, **self.some(NEW_SNAPSHOT)}
            return Request("create", "POST", "snapshots", {"snapshot": snapshot})
        return Request("create", "POST", "volumes", {"volume": body})

    def changes(self) -> Request:
        kind = self.draw.choice(("volume", "snapshot"))
        method = self.draw.choice(("PUT", "PUT", "DELETE"))
        body = {kind: self.some(CHANGES)} if method == "PUT" else None
        query = self.draw.choice(("", "", "?cascade=true", "?force=true")) if body is None else ""
        return Request(
            kind, method, f"{USED_UP_ROWS[kind]}{query}", body, admin=self.draw.random() < 0.2
        )

    def metadata(self) -> Request:
        kind = self.draw.choice(("volume", "snapshot"))
        path = f"{USED_UP_ROWS[kind]}/metadata"
        items = self.draw.choice(METADATA)
        method = self.draw.choice(("GET", "POST", "PUT", "one", "read", "DELETE"))
        if method == "one":
            return Request(kind, "PUT", f"{path}/k", {"meta": items})
        if method in ("DELETE", "read"):
            return Request(kind, "GET" if method == "read" else method, f"{path}/k")
        return Request(kind, method, path, None if method == "GET" else {"metadata": items})

    def actions(self) -> Request:
        name = self.draw.choice(sorted(ACTIONS))
        body = {name: self.draw.choice(ACTIONS[name])}
        admin = self.draw.random() < 0.4
        return Request("volume", "POST", "volumes/{scratch}/action", body, admin=admin)

    def attachments(self) -> Request:
        way = self.draw.choice(("create", "create", "show", "delete", "complete", "update"))
        url = "attachments/{attachment}"
        if way == "create":
            row = self.draw.choice(("{scratch}", "{scratch}", "{unknown}", "x"))
            body = {"attachment": {"volume_uuid": row, **self.some(NEW_ATTACHMENT)}}
            return Request("volume", "POST", "attachments", body)
        if way == "complete":
            complete = {"os-complete": self.draw.choice(NOTHING)}
            return Request("attachment", "POST", f"{url}/action", complete)
        if way == "update":
            connector = self.draw.choice(CONNECTORS)
            return Request("attachment", "PUT", url, {"attachment": {"connector": connector}})
        return Request("attachment", "GET" if way == "show" else "DELETE", url)

    def transfers(self) -> Request:
        noun = self.draw.choice(("volume-transfers", "os-volume-transfer"))
        way = self.draw.choice(("create", "show", "delete", "accept", "accept"))
        if way == "create":
            row = self.draw.choice(("{scratch}", "{scratch}", "{unknown}", "x"))
            body = {"transfer": {"volume_id": row, **self.some(NEW_TRANSFER)}}
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
                ("PUT", f"types/{row}", {"volume_type": self.some(TYPE)}),
                ("POST", "types", {"volume_type": self.some(TYPE)}),
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

    def newer(self) -> Request:
        """Of QoS specs, encryption, groups, backups and messages: what needs no other processes."""
        row = self.draw.choice(("{unknown}", "x"))
        kind = self.draw.choice(("{type_own}", "{unknown}"))
        method, path, body = self.draw.choice(
            (
                ("GET", self.draw.choice(("qos-specs", "qos-specs?colour=red")), None),
                ("POST", "qos-specs", {"qos_specs": self.some(NEW_QOS)}),
                ("PUT", f"qos-specs/{row}", {"qos_specs": self.draw.choice(SPECS)}),
                ("PUT", f"qos-specs/{row}/delete_keys", {"keys": self.draw.choice((["a"], "a"))}),
                ("GET", f"qos-specs/{row}/associate", None),
                ("GET", f"qos-specs/{row}/associations", None),
                ("DELETE", f"qos-specs/{row}", None),
                ("GET", f"types/{kind}/encryption", None),
                ("POST", f"types/{kind}/encryption", {"encryption": self.some(ENCRYPTION)}),
                ("GET", "volumes/{volume0}/encryption", None),
                ("GET", "group_types?is_public=none", None),
                ("POST", "group_types", {"group_type": self.some(GROUP_TYPE)}),
                ("GET", f"group_types/{row}", None),
                ("POST", f"group_types/{row}/group_specs", {"group_specs": {"a": "b"}}),
                ("GET", self.draw.choice(("groups", "groups/detail?sort_key=name")), None),
                ("POST", "groups", {"group": self.some(NEW_GROUP, 4)}),
                ("POST", "groups/action", {"create-from-src": {"source_group_id": row}}),
                ("PUT", f"groups/{row}", {"group": {"name": "n"}}),
                ("POST", f"groups/{row}/action", {"delete": {}}),
                ("GET", self.draw.choice(("group_snapshots", f"group_snapshots/{row}")), None),
                ("POST", "group_snapshots", {"group_snapshot": {"group_id": row}}),
                ("GET", self.draw.choice(("backups", "backups/detail", f"backups/{row}")), None),
                ("POST", "backups", {"backup": self.some(NEW_BACKUP)}),
                ("POST", f"backups/{row}/restore", {"restore": {}}),
                ("PUT", f"backups/{row}", {"backup": {"name": "n"}}),
                ("GET", self.draw.choice(("messages", f"messages/{row}")), None),
                ("DELETE", f"messages/{row}", None),
            )
        )
        return Request("newer", method, path, body, admin=self.draw.random() < 0.7)

    def others(self) -> Request:
        owner = self.draw.choice(("{project_demo}", "{project_demo}", "{project_admin}"))
        kind = {"default_type": {"volume_type": self.draw.choice(("none", "{type_fast}", 5))}}
        quota = self.draw.choice(
            ({"volumes": 99999}, {"volumes": -1}, {"volumes": "x"}, {"a": 1}, {})
        )
        method, path, body = self.draw.choice(
            (
                ("GET", "limits", None),
                ("GET", f"limits?project_id={owner}", None),
                ("GET", "os-availability-zone", None),
                ("GET", f"os-quota-sets/{owner}", None),
                ("GET", f"os-quota-sets/{owner}?usage=true", None),
                ("GET", f"os-quota-sets/{owner}/defaults", None),
                ("PUT", f"os-quota-sets/{owner}", {"quota_set": quota}),
                ("GET", "os-quota-class-sets/default", None),
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
