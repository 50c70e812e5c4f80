"""The caller: who asks, in which project, with which rights. All that lies below the views knows
only this.
"""

from __future__ import annotations

import dataclasses

from compute_site.faults import Forbidden


class PolicyRefused(Forbidden):
    """A policy rule is not granted to the caller."""

    code = "policy_refused"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One user in one project for the time of one request.

    ``rules`` are granted on the own project, ``global_rules`` on every project (cloud admins).
    """

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    roles: frozenset[str]
    rules: frozenset[str]
    global_rules: frozenset[str] = frozenset()
    by_credential: bool = False
    """With an application credential: what the user was granted personally does not count."""
    request_id: str = "-"
    token: str = dataclasses.field(default="", repr=False, compare=False)
    """What the caller proved to be somebody with, where that counts in a cloud that this site has
    joined; services elsewhere are called with it.
    """

    @property
    def is_admin(self) -> bool:
        """Is this the cloud's admin, who sees every project?"""
        return "admin" in self.roles

    def may(self, rule: str, *, project_id: str | None = None) -> bool:
        """Is the rule granted on the project (the caller's own when none is named)?"""
        if rule in self.global_rules:
            return True
        return rule in self.rules and (project_id is None or project_id == self.project_id)

    def permit(self, rule: str, *, project_id: str | None = None) -> None:
        """Go on only if the rule is granted.

        Raises:
            PolicyRefused: it is not; the text names the rule.
        """
        if not self.may(rule, project_id=project_id):
            raise PolicyRefused(f"The policy rule {rule} is not granted to you in this project.")
