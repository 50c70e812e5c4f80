"""How the identity API shows tokens, projects and users (Keystone's v3 format)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from compute_site.identity.access_rules import show_rule
from compute_site.identity.assignments import by_keys
from compute_site.identity.catalog import FILTERS, catalog, url_of
from compute_site.identity.factors import Receipt
from compute_site.identity.ids import stable_id
from compute_site.identity.kept import blob_of
from compute_site.identity.models import (
    AccessRule,
    AccessToken,
    ApplicationCredential,
    Consumer,
    Domain,
    Endpoint,
    EndpointGroup,
    Limit,
    NamedRole,
    Project,
    Region,
    RegisteredLimit,
    Revocation,
    Role,
    Service,
    StoredCredential,
    StoredPolicy,
    Trust,
    User,
    UserGroup,
)
from compute_site.identity.scope import KNOWN_OTHERS, Scope
from compute_site.identity.tokens import ValidToken


def show_token(valid: ValidToken, *, root: str, with_catalog: bool = True) -> dict[str, Any]:
    """The body of a token; a token for nothing has no roles and no catalogue."""
    token, scope = valid.token, valid.scope
    domains = find_domains(scope, token.domain_id)
    shown: dict[str, Any] = {
        "methods": token.methods,
        "user": {
            "id": scope.user_id,
            "name": scope.user_name,
            "domain": domains["user"],
            "password_expires_at": None,
        },
        "audit_ids": [token.audit_id],
        "issued_at": show_time(token.issued_at),
        "expires_at": show_time(token.expires_at),
    }
    if token.project_id is not None:
        project = {"id": scope.project_id, "name": scope.project_name, "domain": domains["project"]}
        shown |= {"project": project, "is_domain": False}
    elif token.domain_id is not None:
        shown["domain"] = domains["scope"]
    elif token.system:
        shown["system"] = {"all": True}
    if not valid.is_unscoped:
        shown["roles"] = show_roles(scope)
        if with_catalog:
            shown["catalog"] = catalog(root, project_id=token.project_id, user_id=scope.user_id)
    if token.credential is not None:
        shown["application_credential"] = {
            "id": token.credential.id,
            "name": token.credential.name,
            "restricted": not token.credential.unrestricted,
        }
        if token.credential.access_rules is not None:
            shown["application_credential"]["access_rules"] = token.credential.access_rules
    if token.trust is not None:
        shown["OS-TRUST:trust"] = {
            "id": token.trust.id,
            "trustor_user": {"id": token.trust.trustor_id},
            "trustee_user": {"id": token.trust.trustee_id},
            "impersonation": token.trust.impersonation,
        }
    if token.access is not None:
        shown["OS-OAUTH1"] = {
            "access_token_id": token.access.id,
            "consumer_id": token.access.consumer_id,
        }
    return {"token": shown}


def show_revocation(row: Revocation) -> dict[str, str]:
    """Tokens with this audit id are over that were issued until then."""
    moment = show_time(row.revoked_at)
    return {"audit_id": row.audit_id, "issued_before": moment, "revoked_at": moment}


def show_receipt(receipt: Receipt) -> dict[str, Any]:
    """What was proven for a token, and which rules go on from there."""
    user = receipt.user
    domain = find_domains(user, None)["user"]
    return {
        "receipt": {
            "methods": list(receipt.methods),
            "user": {"id": user.user_id, "name": user.user_name, "domain": domain},
            "issued_at": show_time(receipt.issued_at),
            "expires_at": show_time(receipt.expires_at),
        },
        "required_auth_methods": [list(rule) for rule in receipt.required],
    }


def find_domains(scope: Scope, domain_id: str | None) -> dict[str, dict[str, str]]:
    """Id and name of the domains of the user, of its project and of the token; one statement."""
    rows = Domain.objects.annotate(
        of_user=Exists(User.objects.filter(pk=scope.user_id, domain=OuterRef("pk"))),
        of_project=Exists(Project.objects.filter(pk=scope.project_id, domain=OuterRef("pk"))),
    ).filter(Q(of_user=True) | Q(of_project=True) | Q(pk=domain_id))
    shown: dict[str, dict[str, str]] = {}
    for row in rows:
        named = {"id": row.pk, "name": row.name}
        shown |= {"user": named} if row.of_user else {}
        shown |= {"project": named} if row.of_project else {}
        shown |= {"scope": named} if row.pk == domain_id else {}
    return shown


def show_project(project: Project, *, root: str) -> dict[str, Any]:
    return {
        **project.extra,
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "enabled": project.enabled,
        "domain_id": project.domain_id,
        "parent_id": project.parent_id or project.domain_id,
        "is_domain": False,
        "tags": project.tags,
        "options": project.options,
        "links": {"self": f"{root}/identity/v3/projects/{project.id}"},
    }


def show_domain_as_project(domain: Domain, *, root: str) -> dict[str, Any]:
    """A domain is a project, too, in Keystone: one without a domain and a parent."""
    return show_domain(domain, root=root) | {
        "domain_id": None,
        "parent_id": None,
        "is_domain": True,
        "links": {"self": f"{root}/identity/v3/projects/{domain.id}"},
    }


def show_user(user: User, *, root: str) -> dict[str, Any]:
    shown = {
        **user.extra,
        "id": user.id,
        "name": user.username,
        "enabled": user.is_active,
        "domain_id": user.domain_id,
        "password_expires_at": None,
        "options": user.options,
        "links": {"self": f"{root}/identity/v3/users/{user.id}"},
    }
    if user.email:
        shown["email"] = user.email
    if user.default_project_id:
        shown["default_project_id"] = user.default_project_id
    return shown


def show_credential(
    credential: ApplicationCredential, *, root: str, secret: str | None = None
) -> dict[str, Any]:
    """``secret`` is shown once, when the credential is made."""
    own = f"{root}/identity/v3/users/{credential.user_id}/application_credentials"
    shown: dict[str, Any] = {
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "roles": show_credential_roles(credential),
        "expires_at": show_time(credential.expires_at)[:-1] if credential.expires_at else None,
        "unrestricted": credential.unrestricted,
        **({"access_rules": credential.access_rules} if credential.access_rules else {}),
        "links": {"self": f"{own}/{credential.id}"},
    }
    return shown | ({"secret": secret} if secret is not None else {})


def show_credential_roles(credential: ApplicationCredential) -> list[dict[str, Any]]:
    own = Role(credential.role).implied if credential.role else ()
    shown = [(stable_id("role", role.value), role.value) for role in own]
    if credential.others:
        found = NamedRole.objects.filter(by_keys(credential.others))
        shown += found.values_list("id", "name")
    return [{"id": key, "name": name, "domain_id": None} for key, name in shown]


def show_role(role: NamedRole, *, root: str) -> dict[str, Any]:
    return {
        **role.extra,
        "id": role.id,
        "name": role.name,
        "domain_id": role.domain_id,
        "description": role.description,
        "options": role.options,
        "links": {"self": f"{root}/identity/v3/roles/{role.id}"},
    }


def show_domain(domain: Domain, *, root: str) -> dict[str, Any]:
    return {
        **domain.extra,
        "id": domain.id,
        "name": domain.name,
        "description": domain.description,
        "enabled": domain.enabled,
        "tags": domain.tags,
        "options": domain.options,
        "links": {"self": f"{root}/identity/v3/domains/{domain.id}"},
    }


def show_group(group: UserGroup, *, root: str) -> dict[str, Any]:
    return {
        **group.extra,
        "id": group.id,
        "name": group.name,
        "domain_id": group.domain_id,
        "description": group.description,
        "links": {"self": f"{root}/identity/v3/groups/{group.id}"},
    }


def show_region(region: Region, *, root: str) -> dict[str, Any]:
    return {
        **region.extra,
        "id": region.id,
        "description": region.description,
        "parent_region_id": region.parent_id,
        "links": {"self": f"{root}/identity/v3/regions/{region.id}"},
    }


def show_service(service: Service, *, root: str) -> dict[str, Any]:
    return {
        **service.extra,
        "id": service.id,
        "type": service.type,
        "name": service.name,
        "description": service.description,
        "enabled": service.enabled,
        "links": {"self": f"{root}/identity/v3/services/{service.id}"},
    }


def show_endpoint(endpoint: Endpoint, *, root: str) -> dict[str, Any]:
    return {
        **endpoint.extra,
        "id": endpoint.id,
        "service_id": endpoint.service_id,
        "interface": endpoint.interface,
        "url": url_of(endpoint, root),
        "region": endpoint.region_id,
        "region_id": endpoint.region_id,
        "enabled": endpoint.enabled,
        "links": {"self": f"{root}/identity/v3/endpoints/{endpoint.id}"},
    }


def show_endpoint_group(group: EndpointGroup, *, root: str) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "filters": {name: getattr(group, name) for name in FILTERS if getattr(group, name)},
        "links": {"self": f"{root}/identity/v3/OS-EP-FILTER/endpoint_groups/{group.id}"},
    }


def show_stored(row: StoredCredential, *, root: str) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "user_id": row.user_id,
        "project_id": row.project_id,
        "type": row.type,
        "blob": blob_of(row),
        "links": {"self": f"{root}/identity/v3/credentials/{row.id}"},
    }


def show_ec2(row: StoredCredential, *, root: str) -> dict[str, Any]:
    """A pair of keys for EC2."""
    keys = json.loads(blob_of(row))
    own = f"{root}/identity/v3/users/{row.user_id}/credentials/OS-EC2"
    return {
        "user_id": row.user_id,
        "tenant_id": row.project_id,
        "access": keys.get("access"),
        "secret": keys.get("secret"),
        "trust_id": keys.get("trust_id"),
        "links": {"self": f"{own}/{keys.get('access')}"},
    }


def show_policy(policy: StoredPolicy, *, root: str) -> dict[str, Any]:
    return {
        **policy.extra,
        "id": policy.id,
        "type": policy.type,
        "blob": policy.blob,
        "links": {"self": f"{root}/identity/v3/policies/{policy.id}"},
    }


def show_trust(trust: Trust, *, root: str, roles: bool = True) -> dict[str, Any]:
    """``roles``: as a single trust shows them, not in lists."""
    own = f"{root}/identity/v3/OS-TRUST/trusts/{trust.id}"
    shown: dict[str, Any] = {
        "id": trust.id,
        "trustor_user_id": trust.trustor_id,
        "trustee_user_id": trust.trustee_id,
        "project_id": trust.project_id,
        "impersonation": trust.impersonation,
        "expires_at": show_time(trust.expires_at) if trust.expires_at else None,
        "remaining_uses": trust.remaining_uses,
        "redelegation_count": trust.redelegation_count,
        "redelegated_trust_id": trust.parent_id,
        "deleted_at": None,
        "links": {"self": own},
    }
    if roles:
        shown["roles"] = [show_role(role, root=root) for role in roles_of_trust(trust)]
        shown["roles_links"] = {"self": f"{own}/roles", "next": None, "previous": None}
    return shown


def roles_of_trust(trust: Trust | AccessToken) -> QuerySet[NamedRole]:
    return NamedRole.objects.filter(pk__in=trust.roles)


def show_consumer(consumer: Consumer, *, root: str, secret: str | None = None) -> dict[str, Any]:
    """``secret``: only where it was just made."""
    shown = {
        **consumer.extra,
        "id": consumer.id,
        "description": consumer.description,
        "links": {"self": f"{root}/identity/v3/OS-OAUTH1/consumers/{consumer.id}"},
    }
    return shown | ({"secret": secret} if secret is not None else {})


def show_access(access: AccessToken, *, root: str) -> dict[str, Any]:
    own = f"{root}/identity/v3/users/{access.user_id}/OS-OAUTH1/access_tokens/{access.id}"
    return {
        "id": access.id,
        "consumer_id": access.consumer_id,
        "authorizing_user_id": access.user_id,
        "project_id": access.project_id,
        "expires_at": show_time(access.expires_at) if access.expires_at else None,
        "links": {"self": own, "roles": f"{own}/roles"},
    }


def show_access_rule(rule: AccessRule, *, root: str) -> dict[str, Any]:
    own = f"{root}/identity/v3/users/{rule.user_id}/access_rules/{rule.id}"
    return {**show_rule(rule), "links": {"self": own}}


def show_registered(registered: RegisteredLimit, *, root: str) -> dict[str, Any]:
    return {
        "id": registered.id,
        "service_id": registered.service_id,
        "region_id": registered.region_id,
        "resource_name": registered.resource_name,
        "default_limit": registered.default_limit,
        "description": registered.description,
        "links": {"self": f"{root}/identity/v3/registered_limits/{registered.id}"},
    }


def show_limit(limit: Limit, *, root: str) -> dict[str, Any]:
    registered = limit.registered
    return {
        "id": limit.id,
        "project_id": limit.project_id,
        "domain_id": limit.domain_id,
        "service_id": registered.service_id,
        "region_id": registered.region_id,
        "resource_name": registered.resource_name,
        "resource_limit": limit.resource_limit,
        "description": limit.description,
        "links": {"self": f"{root}/identity/v3/limits/{limit.id}"},
    }


def show_roles(scope: Scope) -> list[dict[str, str]]:
    """The roles of a token, with all that they imply. Those that operators have made are read."""
    names = scope.all_roles
    shown = [
        {"id": stable_id("role", name), "name": name}
        for name in (*Role.values, *KNOWN_OTHERS)
        if name in names
    ]
    others = set(scope.others) - KNOWN_OTHERS
    if others:
        found = NamedRole.objects.filter(pk__in=others, domain=None)
        shown += [{"id": role.id, "name": role.name} for role in found]
    return shown


def show_list(key: str, items: Sequence[Any], *, url: str, more: bool = False) -> dict[str, Any]:
    """A list; ``more``: it was cut."""
    links = {"self": url, "previous": None, "next": None}
    return {key: items, "links": links} | ({"truncated": True} if more else {})


def show_time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
