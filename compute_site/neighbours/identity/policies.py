"""The policy rules of the identity API, named and granted by default as in Keystone.

What everyone may do with an account, a token and a project of one's own needs none of them.
"""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

V3 = "/identity/v3"
GRANTS = f"{V3}/projects/{{project_id}}/users/{{user_id}}/roles"
CREDENTIALS = f"{V3}/users/{{user_id}}/application_credentials"


def _admins(
    name: str,
    description: str,
    *operations: str,
    noun: str,
    in_domain: Role | None = None,
    of_services: bool = False,
) -> str:
    """A rule of admins. On the system readers see what it guards, and admins change it."""
    reads = all(operation.startswith(("GET", "HEAD")) for operation in operations)
    return rule(
        f"identity:{name}",
        Role.ADMIN,
        description,
        operations,
        noun=noun,
        on_system=Role.READER if reads else Role.ADMIN,
        in_domain=in_domain,
        of_services=of_services,
    )


def _rules_of(
    nouns: str, noun: str, told: str, *, in_domain: tuple[Role | None, Role | None] = (None, None)
) -> dict[str, str]:
    """The rules of a kind of things by what is done: list, get, create, update and delete."""
    many, one = f"{V3}/{nouns}", f"{V3}/{nouns}/{{{noun}_id}}"
    reads, writes = in_domain
    listed = _admins(f"list_{nouns}", f"List {told}s.", f"GET {many}", noun=noun, in_domain=reads)
    shown = _admins(f"get_{noun}", f"Show a {told}.", f"GET {one}", noun=noun, in_domain=reads)
    return {"list": listed, "get": shown, **_changes_of(nouns, noun, told, in_domain=writes)}


def _changes_of(
    nouns: str,
    noun: str,
    told: str,
    *,
    in_domain: Role | None = None,
    several: bool = False,
) -> dict[str, str]:
    """``several``: one request makes several, and the name of the rule says so."""
    many, one = f"{V3}/{nouns}", f"{V3}/{nouns}/{{{noun}_id}}"
    changes = (
        ("create", f"Make {told}s.", f"POST {many}"),
        ("update", f"Change {told}s.", f"PATCH {one}"),
        ("delete", f"Delete {told}s.", f"DELETE {one}"),
    )
    return {
        what: _admins(
            f"{what}_{nouns if several and what == 'create' else noun}",
            *(description, operation),
            noun=noun,
            in_domain=in_domain,
        )
        for what, description, operation in changes
    }


IN_DOMAIN = (Role.READER, Role.MANAGER)
LIST_PROJECTS = _admins(
    "list_projects",
    "List all projects.",
    f"GET {V3}/projects",
    noun="project",
    in_domain=Role.READER,
)
GET_PROJECT = rule(
    "identity:get_project",
    Role.READER,
    "Show the project.",
    (f"GET {V3}/projects/{{project_id}}",),
    noun="project",
    on_system=Role.READER,
    in_domain=Role.READER,
)
CREATE_PROJECT = _admins(
    "create_project",
    "Make projects.",
    f"POST {V3}/projects",
    noun="project",
    in_domain=Role.MANAGER,
)
UPDATE_PROJECT = _admins(
    "update_project",
    "Change the project.",
    f"PATCH {V3}/projects/{{project_id}}",
    noun="project",
    in_domain=Role.MANAGER,
)
DELETE_PROJECT = _admins(
    "delete_project",
    "Delete the project.",
    f"DELETE {V3}/projects/{{project_id}}",
    noun="project",
    in_domain=Role.MANAGER,
)
LIST_USER_PROJECTS = _admins(
    "list_user_projects",
    "List the projects of another user.",
    f"GET {V3}/users/{{user_id}}/projects",
    noun="project",
    in_domain=Role.READER,
)

LIST_USERS = _admins(
    "list_users", "List all users.", f"GET {V3}/users", noun="user", in_domain=Role.READER
)
GET_USER = _admins(
    "get_user",
    "Show another user.",
    f"GET {V3}/users/{{user_id}}",
    noun="user",
    in_domain=Role.READER,
)
CREATE_USER = _admins(
    "create_user", "Make users.", f"POST {V3}/users", noun="user", in_domain=Role.MANAGER
)
UPDATE_USER = _admins(
    "update_user",
    "Change users.",
    f"PATCH {V3}/users/{{user_id}}",
    noun="user",
    in_domain=Role.MANAGER,
)
DELETE_USER = _admins(
    "delete_user",
    "Delete users.",
    f"DELETE {V3}/users/{{user_id}}",
    noun="user",
    in_domain=Role.MANAGER,
)

LIST_ROLES = _admins(
    "list_roles", "List the roles.", f"GET {V3}/roles", noun="role", in_domain=Role.MANAGER
)
GET_ROLE = _admins(
    "get_role", "Show a role.", f"GET {V3}/roles/{{role_id}}", noun="role", in_domain=Role.MANAGER
)
LIST_ASSIGNMENTS = _admins(
    "list_role_assignments",
    "List who holds which role.",
    f"GET {V3}/role_assignments",
    noun="role",
    in_domain=Role.READER,
)
LIST_GRANTS = _admins(
    "list_grants",
    "List the roles of a user in the project.",
    f"GET {GRANTS}",
    noun="role",
    in_domain=Role.READER,
)
CHECK_GRANT = _admins(
    "check_grant",
    "See whether a user holds a role in the project.",
    f"GET {GRANTS}/{{role_id}}",
    noun="role",
    in_domain=Role.READER,
)
CREATE_GRANT = _admins(
    "create_grant",
    "Give roles in the project.",
    f"PUT {GRANTS}/{{role_id}}",
    noun="role",
    in_domain=Role.MANAGER,
)
REVOKE_GRANT = _admins(
    "revoke_grant",
    "Take roles in the project away.",
    f"DELETE {GRANTS}/{{role_id}}",
    noun="role",
    in_domain=Role.MANAGER,
)

LIST_CREDENTIALS = _admins(
    "list_application_credentials",
    "List the application credentials of others.",
    f"GET {CREDENTIALS}",
    noun="application credential",
)
GET_CREDENTIAL = _admins(
    "get_application_credential",
    "Show an application credential of others.",
    f"GET {CREDENTIALS}/{{credential_id}}",
    noun="application credential",
)
DELETE_CREDENTIAL = _admins(
    "delete_application_credential",
    "Delete an application credential of others.",
    f"DELETE {CREDENTIALS}/{{credential_id}}",
    noun="application credential",
)

VALIDATE_TOKEN = _admins(
    "validate_token",
    "Look at the token of others.",
    f"GET {V3}/auth/tokens",
    noun="token",
    of_services=True,
)
REVOKE_TOKEN = _admins(
    "revoke_token", "End the token of others.", f"DELETE {V3}/auth/tokens", noun="token"
)

LIST_REVOKED = rule(
    "identity:list_revoke_events",
    Role.ADMIN,
    "List the tokens that were ended before their time.",
    (f"GET {V3}/OS-REVOKE/events",),
    noun="token",
    of_services=True,
    on_system=Role.ADMIN,
)

SERVICES = _rules_of("services", "service", "service")
ENDPOINTS = _rules_of("endpoints", "endpoint", "endpoint")
REGIONS = _changes_of("regions", "region", "region")
"""Everybody sees the regions."""
DOMAINS = _rules_of("domains", "domain", "domain", in_domain=(Role.READER, None))
GROUPS = _rules_of("groups", "group", "group of user", in_domain=IN_DOMAIN)
LIST_GROUPS_OF_USER = _admins(
    "list_groups_for_user",
    "List the groups of another user.",
    f"GET {V3}/users/{{user_id}}/groups",
    noun="group",
    in_domain=Role.READER,
)
MEMBERS = f"{V3}/groups/{{group_id}}/users"
LIST_MEMBERS = _admins(
    "list_users_in_group",
    "List who is in a group.",
    f"GET {MEMBERS}",
    noun="group",
    in_domain=Role.READER,
)
CHECK_MEMBER = _admins(
    "check_user_in_group",
    "See whether a user is in a group.",
    f"HEAD {MEMBERS}/{{user_id}}",
    noun="group",
    in_domain=Role.READER,
)
ADD_MEMBER = _admins(
    "add_user_to_group",
    "Take users into a group.",
    f"PUT {MEMBERS}/{{user_id}}",
    noun="group",
    in_domain=Role.MANAGER,
)
REMOVE_MEMBER = _admins(
    "remove_user_from_group",
    "Put users out of a group.",
    f"DELETE {MEMBERS}/{{user_id}}",
    noun="group",
    in_domain=Role.MANAGER,
)
CREATE_ROLE = _admins("create_role", "Make roles.", f"POST {V3}/roles", noun="role")
UPDATE_ROLE = _admins("update_role", "Change roles.", f"PATCH {V3}/roles/{{role_id}}", noun="role")
DELETE_ROLE = _admins("delete_role", "Delete roles.", f"DELETE {V3}/roles/{{role_id}}", noun="role")
IMPLIES = f"{V3}/roles/{{prior_role_id}}/implies"
LIST_IMPLIED = _admins(
    "list_implied_roles", "List what a role implies.", f"GET {IMPLIES}", noun="role"
)
GET_IMPLIED = _admins(
    "get_implied_role",
    "See whether a role implies another.",
    f"GET {IMPLIES}/{{implied_role_id}}",
    noun="role",
)
CREATE_IMPLIED = _admins(
    "create_implied_role",
    "Let a role imply another.",
    f"PUT {IMPLIES}/{{implied_role_id}}",
    noun="role",
)
DELETE_IMPLIED = _admins(
    "delete_implied_role",
    "Let a role imply another no more.",
    f"DELETE {IMPLIES}/{{implied_role_id}}",
    noun="role",
)
LIST_INFERENCES = _admins(
    "list_role_inference_rules",
    "List what all roles imply.",
    f"GET {V3}/role_inferences",
    noun="role",
)
ON_SYSTEM = f"{V3}/system/users/{{user_id}}/roles"
LIST_SYSTEM_GRANTS = _admins(
    "list_system_grants_for_user", "List roles on the system.", f"GET {ON_SYSTEM}", noun="role"
)
CHECK_SYSTEM_GRANT = _admins(
    "check_system_grant_for_user",
    "See whether somebody holds a role on the system.",
    f"GET {ON_SYSTEM}/{{role_id}}",
    noun="role",
)
CREATE_SYSTEM_GRANT = _admins(
    "create_system_grant_for_user",
    "Give roles on the system.",
    f"PUT {ON_SYSTEM}/{{role_id}}",
    noun="role",
)
REVOKE_SYSTEM_GRANT = _admins(
    "revoke_system_grant_for_user",
    "Take roles on the system away.",
    f"DELETE {ON_SYSTEM}/{{role_id}}",
    noun="role",
)
TAGS = f"{V3}/projects/{{project_id}}/tags"
LIST_TAGS = rule(
    "identity:list_project_tags",
    Role.READER,
    "List the tags of the project.",
    (f"GET {TAGS}",),
    noun="project",
    on_system=Role.READER,
    in_domain=Role.READER,
)
GET_TAG = rule(
    "identity:get_project_tag",
    Role.READER,
    "See whether the project has a tag.",
    (f"GET {TAGS}/{{tag}}",),
    noun="project",
    on_system=Role.READER,
    in_domain=Role.READER,
)
UPDATE_TAGS = _admins(
    "update_project_tags",
    "Set the tags of the project.",
    f"PUT {TAGS}",
    noun="project",
    in_domain=Role.MANAGER,
)
CREATE_TAG = _admins(
    "create_project_tag",
    "Give the project a tag.",
    f"PUT {TAGS}/{{tag}}",
    noun="project",
    in_domain=Role.MANAGER,
)
DELETE_TAG = _admins(
    "delete_project_tag",
    "Take a tag of the project away.",
    f"DELETE {TAGS}/{{tag}}",
    noun="project",
    in_domain=Role.MANAGER,
)
DELETE_TAGS = _admins(
    "delete_project_tags",
    "Take all tags of the project away.",
    f"DELETE {TAGS}",
    noun="project",
    in_domain=Role.MANAGER,
)
REGISTERED = _changes_of("registered_limits", "registered_limit", "registered limit", several=True)
"""Everybody sees the registered limits, and those of the own project."""
LIMITS = _changes_of("limits", "limit", "limit", several=True)
LIST_LIMITS = _admins("list_limits", "List the limits of all.", f"GET {V3}/limits", noun="limit")
GET_LIMIT = _admins(
    "get_limit", "Show the limit of others.", f"GET {V3}/limits/{{limit_id}}", noun="limit"
)

STORED = _rules_of("credentials", "credential", "credential")
"""Those of others; everybody has the own."""
POLICIES = _rules_of("policies", "policy", "policy")
ASSOCIATION = f"{V3}/policies/{{policy_id}}/OS-ENDPOINT-POLICY"
PLACES = {
    "endpoint": ("an endpoint", f"{ASSOCIATION}/endpoints/{{endpoint_id}}"),
    "service": ("a service", f"{ASSOCIATION}/services/{{service_id}}"),
    "region_and_service": (
        "a service in a region",
        f"{ASSOCIATION}/services/{{service_id}}/regions/{{region_id}}",
    ),
}
ASSOCIATED = {
    name: _admins(name, told, operation, noun="policy")
    for name, told, operation in (
        *(
            (f"{what}_policy_association_for_{at}", f"{told} {place}.", f"{method} {path}")
            for at, (place, path) in PLACES.items()
            for what, method, told in (
                ("create", "PUT", "Set the policy of"),
                ("check", "GET", "See whether a policy is that of"),
                ("delete", "DELETE", "Take away the policy of"),
            )
        ),
        (
            "get_policy_for_endpoint",
            "Show the policy of an endpoint.",
            f"GET {V3}/endpoints/{{endpoint_id}}/OS-ENDPOINT-POLICY/policy",
        ),
        (
            "list_endpoints_for_policy",
            "List the endpoints that a policy is for.",
            f"GET {ASSOCIATION}/endpoints",
        ),
    )
}
CONFIG = f"{V3}/domains/{{domain_id}}/config"
CONFIGS = {
    "get": _admins(
        "get_domain_config", "Show settings of a domain.", f"GET {CONFIG}", noun="domain"
    ),
    "create": _admins(
        "create_domain_config", "Set all settings of a domain.", f"PUT {CONFIG}", noun="domain"
    ),
    "update": _admins(
        "update_domain_config", "Change settings of a domain.", f"PATCH {CONFIG}", noun="domain"
    ),
    "delete": _admins(
        "delete_domain_config", "Delete settings of a domain.", f"DELETE {CONFIG}", noun="domain"
    ),
}
DEFAULT_CONFIG = _admins(
    "get_domain_config_default",
    "Show what settings of domains are by default.",
    f"GET {V3}/domains/config/default",
    noun="domain",
)
EC2 = f"{V3}/users/{{user_id}}/credentials/OS-EC2"
EC2_KEYS = {
    "list": _admins(
        "ec2_list_credentials", "List keys of others for EC2.", f"GET {EC2}", noun="credential"
    ),
    "get": _admins(
        "ec2_get_credential",
        "Show keys of others for EC2.",
        f"GET {EC2}/{{access}}",
        noun="credential",
    ),
    "create": _admins(
        "ec2_create_credential", "Make keys of others for EC2.", f"POST {EC2}", noun="credential"
    ),
    "delete": _admins(
        "ec2_delete_credential",
        "Delete keys of others for EC2.",
        f"DELETE {EC2}/{{access}}",
        noun="credential",
    ),
}
TOKENS_OF_KEYS = {
    f"{path}_validate": _admins(
        f"{path}_validate",
        f"Get tokens for what was signed with keys for {of}.",
        f"POST {V3}/{path}",
        noun="token",
        of_services=True,
    )
    for path, of in (("ec2tokens", "EC2"), ("s3tokens", "S3"))
}
FILTER = f"{V3}/OS-EP-FILTER"
ENDPOINT_GROUPS = {
    name: _admins(
        f"{name}_endpoint_group{'s' if name == 'list' else ''}", told, operation, noun="endpoint"
    )
    for name, told, operation in (
        ("list", "List groups of endpoints.", f"GET {FILTER}/endpoint_groups"),
        ("get", "Show a group of endpoints.", f"GET {FILTER}/endpoint_groups/{{id}}"),
        ("create", "Make groups of endpoints.", f"POST {FILTER}/endpoint_groups"),
        ("update", "Change groups of endpoints.", f"PATCH {FILTER}/endpoint_groups/{{id}}"),
        ("delete", "Delete groups of endpoints.", f"DELETE {FILTER}/endpoint_groups/{{id}}"),
    )
}
OF_PROJECT = f"{FILTER}/projects/{{project_id}}"
OF_GROUP = f"{FILTER}/endpoint_groups/{{endpoint_group_id}}"
FILTERED = {
    name: _admins(name, told, operation, noun="endpoint")
    for name, told, operation in (
        (
            "list_projects_for_endpoint",
            "List the projects that were given an endpoint.",
            f"GET {FILTER}/endpoints/{{endpoint_id}}/projects",
        ),
        (
            "check_endpoint_in_project",
            "See whether a project was given an endpoint.",
            f"GET {OF_PROJECT}/endpoints/{{endpoint_id}}",
        ),
        (
            "add_endpoint_to_project",
            "Give a project an endpoint.",
            f"PUT {OF_PROJECT}/endpoints/{{endpoint_id}}",
        ),
        (
            "remove_endpoint_from_project",
            "Take an endpoint from a project.",
            f"DELETE {OF_PROJECT}/endpoints/{{endpoint_id}}",
        ),
        (
            "list_endpoints_for_project",
            "List the endpoints that a project was given.",
            f"GET {OF_PROJECT}/endpoints",
        ),
        (
            "list_endpoint_groups_for_project",
            "List the groups of endpoints that a project was given.",
            f"GET {OF_PROJECT}/endpoint_groups",
        ),
        (
            "list_projects_associated_with_endpoint_group",
            "List the projects that were given a group of endpoints.",
            f"GET {OF_GROUP}/projects",
        ),
        (
            "list_endpoints_associated_with_endpoint_group",
            "List the endpoints of a group.",
            f"GET {OF_GROUP}/endpoints",
        ),
        (
            "get_endpoint_group_in_project",
            "See whether a project was given a group of endpoints.",
            f"GET {OF_GROUP}/projects/{{project_id}}",
        ),
        (
            "add_endpoint_group_to_project",
            "Give a project a group of endpoints.",
            f"PUT {OF_GROUP}/projects/{{project_id}}",
        ),
        (
            "remove_endpoint_group_from_project",
            "Take a group of endpoints from a project.",
            f"DELETE {OF_GROUP}/projects/{{project_id}}",
        ),
    )
}
TRUST = f"{V3}/OS-TRUST/trusts"
TRUSTS = {
    name: _admins(name, told, operation, noun="trust")
    for name, told, operation in (
        ("list_trusts", "List all trusts.", f"GET {TRUST}"),
        (
            "list_trusts_for_trustor",
            "List the trusts that another user made.",
            f"GET {TRUST}?trustor_user_id={{id}}",
        ),
        (
            "list_trusts_for_trustee",
            "List the trusts that another user got.",
            f"GET {TRUST}?trustee_user_id={{id}}",
        ),
        ("get_trust", "Show trusts of others.", f"GET {TRUST}/{{trust_id}}"),
        ("delete_trust", "Delete trusts of others.", f"DELETE {TRUST}/{{trust_id}}"),
        (
            "list_roles_for_trust",
            "List the roles of trusts of others.",
            f"GET {TRUST}/{{trust_id}}/roles",
        ),
        (
            "get_role_for_trust",
            "See whether a trust of others has a role.",
            f"GET {TRUST}/{{trust_id}}/roles/{{role_id}}",
        ),
    )
}
RULES_OF_USER = f"{V3}/users/{{user_id}}/access_rules"
ACCESS_RULES = {
    name: _admins(name, told, operation, noun="application credential")
    for name, told, operation in (
        ("list_access_rules", "List the access rules of others.", f"GET {RULES_OF_USER}"),
        (
            "get_access_rule",
            "Show an access rule of others.",
            f"GET {RULES_OF_USER}/{{access_rule_id}}",
        ),
        (
            "delete_access_rule",
            "Delete an access rule of others.",
            f"DELETE {RULES_OF_USER}/{{access_rule_id}}",
        ),
    )
}
OAUTH = f"{V3}/OS-OAUTH1"
CONSUMERS = {
    what: _admins(name, told, operation, noun="consumer")
    for what, name, told, operation in (
        ("list", "list_consumers", "List the consumers of OAuth.", f"GET {OAUTH}/consumers"),
        ("get", "get_consumer", "Show a consumer of OAuth.", f"GET {OAUTH}/consumers/{{id}}"),
        ("create", "create_consumer", "Make consumers of OAuth.", f"POST {OAUTH}/consumers"),
        (
            "update",
            "update_consumer",
            "Change consumers of OAuth.",
            f"PATCH {OAUTH}/consumers/{{id}}",
        ),
        (
            "delete",
            "delete_consumer",
            "Delete consumers of OAuth.",
            f"DELETE {OAUTH}/consumers/{{id}}",
        ),
    )
}
AUTHORIZE = rule(
    "identity:authorize_request_token",
    Role.ADMIN,
    "Let a consumer of OAuth act with own roles.",
    (f"PUT {OAUTH}/authorize/{{request_token_id}}",),
    noun="access token",
)
ACCESSES_OF_USER = f"{V3}/users/{{user_id}}/OS-OAUTH1/access_tokens"
ACCESSES = {
    name: rule(f"identity:{name}", Role.ADMIN, told, (operation,), noun="access token")
    for name, told, operation in (
        (
            "list_access_tokens",
            "List what consumers of OAuth have access to.",
            f"GET {ACCESSES_OF_USER}",
        ),
        (
            "get_access_token",
            "Show an access token of OAuth.",
            f"GET {ACCESSES_OF_USER}/{{access_token_id}}",
        ),
        (
            "list_access_token_roles",
            "List the roles of an access token of OAuth.",
            f"GET {ACCESSES_OF_USER}/{{access_token_id}}/roles",
        ),
        (
            "get_access_token_role",
            "See whether an access token of OAuth has a role.",
            f"GET {ACCESSES_OF_USER}/{{access_token_id}}/roles/{{role_id}}",
        ),
        (
            "delete_access_token",
            "Take access from consumers of OAuth that others have given it.",
            f"DELETE {ACCESSES_OF_USER}/{{access_token_id}}",
        ),
    )
}
