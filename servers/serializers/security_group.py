"""The security groups of a server in answers."""

from __future__ import annotations

from compute_site.api.microversions.answers import TEXT, UUID, AnswerSerializer, Shown


class SecurityGroupAnswer(AnswerSerializer):
    """A security group; its rules are the network service's own matter."""

    id = Shown(UUID)
    name = Shown(TEXT)
    description = Shown(TEXT)
    tenant_id = Shown(TEXT, "project_id")
    rules = Shown({"type": "array", "items": {"type": "object"}}, lambda _group, _frame: [])
