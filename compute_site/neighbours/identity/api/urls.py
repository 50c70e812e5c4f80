"""Every URL of the identity API, below ``/identity``."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, path, re_path

from compute_site.neighbours.identity.api.catalogue import (
    EndpointDetail,
    EndpointList,
    RegionDetail,
    RegionList,
    ServiceDetail,
    ServiceList,
)
from compute_site.neighbours.identity.api.credential import CredentialDetail, CredentialList
from compute_site.neighbours.identity.api.domain import (
    DomainDetail,
    DomainList,
    OwnDomains,
    OwnSystem,
)
from compute_site.neighbours.identity.api.domain_config import Config, DefaultConfig, WholeConfig
from compute_site.neighbours.identity.api.endpoint_filter import (
    EndpointGroupDetail,
    EndpointGroupList,
    EndpointInProject,
    EndpointsOfGroup,
    EndpointsOfProject,
    GroupInProject,
    GroupsOfProject,
    ProjectsOfEndpoint,
    ProjectsOfGroup,
)
from compute_site.neighbours.identity.api.endpoint_policy import (
    EndpointsOfPolicy,
    PolicyAtEndpoint,
    PolicyAtService,
    PolicyAtServiceInRegion,
    PolicyOfEndpoint,
)
from compute_site.neighbours.identity.api.group import (
    GroupDetail,
    GroupList,
    GroupsOfUser,
    Member,
    MemberList,
)
from compute_site.neighbours.identity.api.key_token import Ec2Tokens, S3Tokens
from compute_site.neighbours.identity.api.limit import (
    LimitDetail,
    LimitList,
    LimitModel,
    RegisteredDetail,
    RegisteredList,
)
from compute_site.neighbours.identity.api.oauth import (
    AccessDetail,
    AccessList,
    AccessRole,
    AccessRoleList,
    AccessTokens,
    Authorize,
    ConsumerDetail,
    ConsumerList,
    RequestTokens,
)
from compute_site.neighbours.identity.api.oauth2 import OAuth2Tokens
from compute_site.neighbours.identity.api.project import (
    OwnProjects,
    ProjectDetail,
    ProjectList,
    Tag,
    TagList,
)
from compute_site.neighbours.identity.api.role import (
    AssignmentList,
    Grant,
    GrantList,
    Implied,
    ImpliedList,
    Inferences,
    InheritedGrant,
    InheritedGrantList,
    RoleDetail,
    RoleList,
)
from compute_site.neighbours.identity.api.stored import (
    Ec2Detail,
    Ec2List,
    PolicyDetail,
    PolicyList,
    StoredDetail,
    StoredList,
)
from compute_site.neighbours.identity.api.token import Catalog, RevokedTokens, Tokens
from compute_site.neighbours.identity.api.trust import (
    AccessRuleDetail,
    AccessRuleList,
    TrustDetail,
    TrustList,
    TrustRole,
    TrustRoleList,
)
from compute_site.neighbours.identity.api.user import (
    UserDetail,
    UserList,
    UserPassword,
    UserProjects,
)
from compute_site.neighbours.identity.api.version import (
    Certificates,
    UnknownIdentityUrl,
    VersionDetail,
    VersionList,
)

__all__ = ["VersionList", "urlpatterns"]


def grants() -> Iterator[URLPattern]:
    """The URLs of roles that are held: in each kind of place, by each kind of holder."""
    for holder in ("users/<user_id>", "groups/<group_id>"):
        for place in ("projects/<project_id>", "domains/<domain_id>"):
            held = f"{place}/{holder}/roles"
            yield path(f"v3/{held}", GrantList.as_view())
            yield path(f"v3/{held}/<role_id>", Grant.as_view())
            inherited = f"v3/OS-INHERIT/{held}"
            yield path(f"{inherited}/inherited_to_projects", InheritedGrantList.as_view())
            yield path(f"{inherited}/<role_id>/inherited_to_projects", InheritedGrant.as_view())
        yield path(f"v3/system/{holder}/roles", GrantList.as_view())
        yield path(f"v3/system/{holder}/roles/<role_id>", Grant.as_view())


def endpoint_filter() -> Iterator[URLPattern]:
    """The URLs of endpoints that projects are given."""
    base, project = "v3/OS-EP-FILTER", "v3/OS-EP-FILTER/projects/<project_id>"
    group = f"{base}/endpoint_groups/<endpoint_group_id>"
    yield path(f"{base}/endpoint_groups", EndpointGroupList.as_view())
    yield path(group, EndpointGroupDetail.as_view())
    yield path(f"{group}/endpoints", EndpointsOfGroup.as_view())
    yield path(f"{group}/projects", ProjectsOfGroup.as_view())
    yield path(f"{group}/projects/<project_id>", GroupInProject.as_view())
    yield path(f"{base}/endpoints/<endpoint_id>/projects", ProjectsOfEndpoint.as_view())
    yield path(f"{project}/endpoints", EndpointsOfProject.as_view())
    yield path(f"{project}/endpoints/<endpoint_id>", EndpointInProject.as_view())
    yield path(f"{project}/endpoint_groups", GroupsOfProject.as_view())


def endpoint_policy() -> Iterator[URLPattern]:
    """The URLs of policies that endpoints and services have."""
    base = "v3/policies/<policy_id>/OS-ENDPOINT-POLICY"
    service = f"{base}/services/<service_id>"
    yield path(f"{base}/endpoints", EndpointsOfPolicy.as_view())
    yield path(f"{base}/endpoints/<endpoint_id>", PolicyAtEndpoint.as_view())
    yield path(service, PolicyAtService.as_view())
    yield path(f"{service}/regions/<region_id>", PolicyAtServiceInRegion.as_view())
    yield path("v3/endpoints/<endpoint_id>/OS-ENDPOINT-POLICY/policy", PolicyOfEndpoint.as_view())


def oauth() -> Iterator[URLPattern]:
    """The URLs of consumers of OAuth, and of what users let them do."""
    base, access = "v3/OS-OAUTH1", "v3/users/<user_id>/OS-OAUTH1/access_tokens"
    yield path(f"{base}/consumers", ConsumerList.as_view())
    yield path(f"{base}/consumers/<oauth_consumer_id>", ConsumerDetail.as_view())
    yield path(f"{base}/request_token", RequestTokens.as_view())
    yield path(f"{base}/authorize/<request_token_id>", Authorize.as_view())
    yield path(f"{base}/access_token", AccessTokens.as_view())
    yield path(access, AccessList.as_view())
    yield path(f"{access}/<access_token_id>", AccessDetail.as_view())
    yield path(f"{access}/<access_token_id>/roles", AccessRoleList.as_view())
    yield path(f"{access}/<access_token_id>/roles/<role_id>", AccessRole.as_view())


urlpatterns = [
    path("", VersionList.as_view()),
    re_path(r"^v3/?$", VersionDetail.as_view()),
    path("v3/auth/tokens", Tokens.as_view()),
    path("v3/auth/catalog", Catalog.as_view()),
    path("v3/OS-REVOKE/events", RevokedTokens.as_view()),
    path("v3/auth/domains", OwnDomains.as_view()),
    path("v3/auth/system", OwnSystem.as_view()),
    path("v3/auth/projects", OwnProjects.as_view()),
    path("v3/domains", DomainList.as_view()),
    path("v3/domains/config/default", DefaultConfig.as_view()),
    path("v3/domains/config/<group>/default", DefaultConfig.as_view()),
    path("v3/domains/config/<group>/<option>/default", DefaultConfig.as_view()),
    path("v3/domains/<domain_id>", DomainDetail.as_view()),
    path("v3/domains/<domain_id>/config", WholeConfig.as_view()),
    path("v3/domains/<domain_id>/config/<group>", Config.as_view()),
    path("v3/domains/<domain_id>/config/<group>/<option>", Config.as_view()),
    path("v3/projects", ProjectList.as_view()),
    path("v3/projects/<project_id>", ProjectDetail.as_view()),
    path("v3/projects/<project_id>/tags", TagList.as_view()),
    path("v3/projects/<project_id>/tags/<tag>", Tag.as_view()),
    path("v3/users", UserList.as_view()),
    path("v3/users/<user_id>", UserDetail.as_view()),
    path("v3/users/<user_id>/password", UserPassword.as_view()),
    path("v3/users/<user_id>/projects", UserProjects.as_view()),
    path("v3/users/<user_id>/groups", GroupsOfUser.as_view()),
    path("v3/users/<user_id>/application_credentials", CredentialList.as_view()),
    path("v3/users/<user_id>/application_credentials/<credential_id>", CredentialDetail.as_view()),
    path("v3/users/<user_id>/credentials/OS-EC2", Ec2List.as_view()),
    path("v3/users/<user_id>/credentials/OS-EC2/<access>", Ec2Detail.as_view()),
    path("v3/credentials", StoredList.as_view()),
    path("v3/credentials/<credential_id>", StoredDetail.as_view()),
    path("v3/ec2tokens", Ec2Tokens.as_view()),
    path("v3/s3tokens", S3Tokens.as_view()),
    path("v3/policies", PolicyList.as_view()),
    path("v3/policies/<policy_id>", PolicyDetail.as_view()),
    *endpoint_policy(),
    path("v3/users/<user_id>/access_rules", AccessRuleList.as_view()),
    path("v3/users/<user_id>/access_rules/<access_rule_id>", AccessRuleDetail.as_view()),
    path("v3/OS-TRUST/trusts", TrustList.as_view()),
    path("v3/OS-TRUST/trusts/<trust_id>", TrustDetail.as_view()),
    path("v3/OS-TRUST/trusts/<trust_id>/roles", TrustRoleList.as_view()),
    path("v3/OS-TRUST/trusts/<trust_id>/roles/<role_id>", TrustRole.as_view()),
    *oauth(),
    path("v3/OS-OAUTH2/token", OAuth2Tokens.as_view()),
    path("v3/groups", GroupList.as_view()),
    path("v3/groups/<group_id>", GroupDetail.as_view()),
    path("v3/groups/<group_id>/users", MemberList.as_view()),
    path("v3/groups/<group_id>/users/<user_id>", Member.as_view()),
    path("v3/roles", RoleList.as_view()),
    path("v3/roles/<role_id>", RoleDetail.as_view()),
    path("v3/roles/<prior_role_id>/implies", ImpliedList.as_view()),
    path("v3/roles/<prior_role_id>/implies/<implied_role_id>", Implied.as_view()),
    path("v3/role_inferences", Inferences.as_view()),
    path("v3/role_assignments", AssignmentList.as_view()),
    *grants(),
    path("v3/regions", RegionList.as_view()),
    path("v3/regions/<region_id>", RegionDetail.as_view()),
    path("v3/services", ServiceList.as_view()),
    path("v3/services/<service_id>", ServiceDetail.as_view()),
    path("v3/endpoints", EndpointList.as_view()),
    path("v3/endpoints/<endpoint_id>", EndpointDetail.as_view()),
    *endpoint_filter(),
    path("v3/registered_limits", RegisteredList.as_view()),
    path("v3/registered_limits/<registered_limit_id>", RegisteredDetail.as_view()),
    path("v3/limits", LimitList.as_view()),
    path("v3/limits/model", LimitModel.as_view()),
    path("v3/limits/<limit_id>", LimitDetail.as_view()),
    re_path(r"^v3/OS-SIMPLE-CERT/(?:ca|certificates)$", Certificates.as_view()),
    re_path("", UnknownIdentityUrl.as_view()),
]
