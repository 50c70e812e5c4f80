"""The policy rules of the identity API, named and granted by default as in Keystone.

What everyone may do with an account, a token and a project of one's own needs none of them.
"""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

V3 = "/identity/v3"
GRANTS = f"{V3}/projects/{{project_id}}/users/{{user_id}}/roles"
CREDENTIALS = f"{V3}/users/{{user_id}}/application_credentials"


def _admins(name: str, description: str, *operations: str, noun: str) -> str:
    return rule(f"identity:{name}", Role.ADMIN, description, operations, noun=noun)


LIST_PROJECTS = _admins("list_projects", "List all projects.", f"GET {V3}/projects", noun="project")
GET_PROJECT = rule(
    "identity:get_project",
    Role.READER,
    "Show the project.",
    (f"GET {V3}/projects/{{project_id}}",),
    noun="project",
)
CREATE_PROJECT = _admins("create_project", "Make projects.", f"POST {V3}/projects", noun="project")
UPDATE_PROJECT = _admins(
    "update_project",
    "Change the project.",
    f"PATCH {V3}/projects/{{project_id}}",
    noun="project",
)
DELETE_PROJECT = _admins(
    "delete_project",
    "Delete the project.",
    f"DELETE {V3}/projects/{{project_id}}",
    noun="project",
)
LIST_USER_PROJECTS = _admins(
    "list_user_projects",
    "List the projects of another user.",
    f"GET {V3}/users/{{user_id}}/projects",
    noun="project",
)

LIST_USERS = _admins("list_users", "List all users.", f"GET {V3}/users", noun="user")
GET_USER = _admins("get_user", "Show another user.", f"GET {V3}/users/{{user_id}}", noun="user")
CREATE_USER = _admins("create_user", "Make users.", f"POST {V3}/users", noun="user")
UPDATE_USER = _admins("update_user", "Change users.", f"PATCH {V3}/users/{{user_id}}", noun="user")
DELETE_USER = _admins("delete_user", "Delete users.", f"DELETE {V3}/users/{{user_id}}", noun="user")

LIST_ROLES = _admins("list_roles", "List the roles.", f"GET {V3}/roles", noun="role")
GET_ROLE = _admins("get_role", "Show a role.", f"GET {V3}/roles/{{role_id}}", noun="role")
LIST_ASSIGNMENTS = _admins(
    "list_role_assignments",
    "List who holds which role.",
    f"GET {V3}/role_assignments",
    noun="role",
)
LIST_GRANTS = _admins(
    "list_grants",
    "List the roles of a user in the project.",
    f"GET {GRANTS}",
    noun="role",
)
CHECK_GRANT = _admins(
    "check_grant",
    "See whether a user holds a role in the project.",
    f"GET {GRANTS}/{{role_id}}",
    noun="role",
)
CREATE_GRANT = _admins(
    "create_grant",
    "Give roles in the project.",
    f"PUT {GRANTS}/{{role_id}}",
    noun="role",
)
REVOKE_GRANT = _admins(
    "revoke_grant",
    "Take roles in the project away.",
    f"DELETE {GRANTS}/{{role_id}}",
    noun="role",
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
    "validate_token", "Look at the token of others.", f"GET {V3}/auth/tokens", noun="token"
)
REVOKE_TOKEN = _admins(
    "revoke_token", "End the token of others.", f"DELETE {V3}/auth/tokens", noun="token"
)

LIST_SERVICES = _admins("list_services", "List the services.", f"GET {V3}/services", noun="service")
GET_SERVICE = _admins(
    "get_service", "Show a service.", f"GET {V3}/services/{{service_id}}", noun="service"
)
LIST_ENDPOINTS = _admins(
    "list_endpoints", "List the endpoints.", f"GET {V3}/endpoints", noun="service"
)
GET_ENDPOINT = _admins(
    "get_endpoint", "Show an endpoint.", f"GET {V3}/endpoints/{{endpoint_id}}", noun="service"
)
LIST_DOMAINS = _admins("list_domains", "List the domains.", f"GET {V3}/domains", noun="service")
