"""The identity API below ``/identity`` (Keystone v3): as much as clients need to log in, to find
the other services, and to make users and projects.
"""

from compute_site.neighbours.identity.api.catalogue import Domains, Endpoints, Regions, Services
from compute_site.neighbours.identity.api.credential import CredentialDetail, CredentialList
from compute_site.neighbours.identity.api.project import (
    OwnDomains,
    OwnProjects,
    OwnSystem,
    ProjectDetail,
    ProjectList,
)
from compute_site.neighbours.identity.api.role import (
    AssignmentList,
    Grant,
    GrantList,
    RoleDetail,
    RoleList,
)
from compute_site.neighbours.identity.api.token import Catalog, Tokens
from compute_site.neighbours.identity.api.user import (
    UserDetail,
    UserList,
    UserPassword,
    UserProjects,
)
from compute_site.neighbours.identity.api.version import (
    UnknownIdentityUrl,
    VersionDetail,
    VersionList,
)

__all__ = [
    "AssignmentList",
    "Catalog",
    "CredentialDetail",
    "CredentialList",
    "Domains",
    "Endpoints",
    "Grant",
    "GrantList",
    "OwnDomains",
    "OwnProjects",
    "OwnSystem",
    "ProjectDetail",
    "ProjectList",
    "Regions",
    "RoleDetail",
    "RoleList",
    "Services",
    "Tokens",
    "UnknownIdentityUrl",
    "UserDetail",
    "UserList",
    "UserPassword",
    "UserProjects",
    "VersionDetail",
    "VersionList",
]
