"""The identity API below ``/identity`` (Keystone v3): what clients need to find and use the
others.
"""

from compute_site.identity.views.credential import CredentialDetail, CredentialList
from compute_site.identity.views.project import OwnProjects, ProjectDetail, ProjectList
from compute_site.identity.views.token import Catalog, Tokens
from compute_site.identity.views.user import UserDetail, UserList, UserProjects
from compute_site.identity.views.version import UnknownIdentityUrl, VersionDetail, VersionList

__all__ = [
    "Catalog",
    "CredentialDetail",
    "CredentialList",
    "OwnProjects",
    "ProjectDetail",
    "ProjectList",
    "Tokens",
    "UnknownIdentityUrl",
    "UserDetail",
    "UserList",
    "UserProjects",
    "VersionDetail",
    "VersionList",
]
