"""Domains, projects, users, groups, the roles of users in projects, and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

from django.contrib.auth.models import AbstractUser, Group, UserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.ids import LONGEST_PROJECT_ID, LONGEST_USER_ID, new_id
from compute_site.identity.kept_models import (
    DomainOption,
    PolicyAssociation,
    StoredCredential,
    StoredPolicy,
)
from compute_site.identity.limit_models import Limit, RegisteredLimit
from compute_site.identity.oauth_models import AccessToken, Consumer, RequestToken
from compute_site.identity.revocation_models import Revocation
from compute_site.identity.service_models import (
    Endpoint,
    EndpointGroup,
    EndpointOfProject,
    Region,
    Service,
)
from compute_site.identity.trust_models import AccessRule, Trust

__all__ = [
    "AccessRule",
    "AccessToken",
    "ApplicationCredential",
    "Asker",
    "Consumer",
    "DerivedMembership",
    "Domain",
    "DomainOption",
    "Endpoint",
    "EndpointGroup",
    "EndpointOfProject",
    "FailedSignIns",
    "IdentityChange",
    "ImpliedRole",
    "Limit",
    "NamedRole",
    "PolicyAssociation",
    "Project",
    "ProjectRole",
    "Region",
    "RegisteredLimit",
    "RequestToken",
    "Revocation",
    "Role",
    "RoleAssignment",
    "Service",
    "SignIn",
    "SignInFailures",
    "StoredCredential",
    "StoredPolicy",
    "System",
    "Token",
    "Trust",
    "User",
    "UserGroup",
    "WideRole",
    "new_id",
]


class Role(models.TextChoices):
    """The roles, the smallest first: each role implies those before it."""

    READER = "reader"
    MEMBER = "member"
    MANAGER = "manager"
    ADMIN = "admin"

    @property
    def implied(self) -> tuple[Role, ...]:
        """This role and all it implies, the smallest first."""
        ordered = list(Role)
        return tuple(ordered[: ordered.index(self) + 1])


class Asker(Protocol):
    """What the visibility of projects depends on: the user, and whether it is an admin."""

    @property
    def user_id(self) -> str: ...

    @property
    def is_admin(self) -> bool: ...


class Domain(models.Model):
    """A domain owns users, groups and projects, whose names are unique in it."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, db_collation="C")
    name = models.CharField(max_length=64, unique=True, db_collation="C")
    description = models.TextField(blank=True, default="")
    enabled = models.BooleanField(default=True)
    tags = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    options = models.JSONField(default=dict, blank=True, editable=False)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Delete the tokens of its users and projects when it is disabled, and sign its users out
        of the pages.
        """
        with transaction.atomic():
            super().save(*args, **kwargs)
            if self.enabled:
                return
            mine = models.Q(domain=self) | models.Q(project__domain=self)
            Token.objects.filter(mine | of_people(self.users.all())).delete()
            self.users.update(signed_out_at=timezone.now())


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, asker: Asker) -> Self:
        """The projects in which the user holds a role; all projects for an admin."""
        return self if asker.is_admin else self.of_user(asker.user_id)

    def of_user(self, user_id: str) -> Self:
        """The projects in which the user holds a role."""
        return self.filter(roles__group__user=user_id).distinct()


class Project(models.Model):
    """A project owns servers; every policy rule is a permission on it (``compute_site.policy``)."""

    id = models.CharField(
        primary_key=True, max_length=LONGEST_PROJECT_ID, default=new_id, db_collation="C"
    )
    name = models.CharField(max_length=64, db_collation="C")
    domain = models.ForeignKey(
        Domain, default=DOMAIN_ID, on_delete=models.PROTECT, related_name="projects"
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    """``None``: the domain."""
    description = models.TextField(blank=True, default="")
    enabled = models.BooleanField(default=True)
    tags = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    options = models.JSONField(default=dict, blank=True, editable=False)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    """What clients keep with it of their own accord."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["domain", "name"], name="identity_project_name_once"),
        ]
        # the rules of all policies become permissions here too, after each migrate

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Delete the tokens of a project when it is disabled, so that they are not valid again when
        it is enabled.
        """
        with transaction.atomic():
            super().save(*args, **kwargs)
            if not self.enabled:
                self.tokens.all().delete()


class DomainUserManager(UserManager["User"]):
    """Where a name stands without a domain, as in commands and the admin, it is one of the default
    domain.
    """

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=username, domain=DOMAIN_ID)


class User(AbstractUser):
    """A person or program; its rights come from the roles it holds in projects."""

    id = models.CharField(
        primary_key=True, max_length=LONGEST_USER_ID, default=new_id, db_collation="C"
    )
    username = models.CharField("username", max_length=255, validators=[UnicodeUsernameValidator()])
    domain = models.ForeignKey(
        Domain, default=DOMAIN_ID, on_delete=models.PROTECT, related_name="users"
    )
    default_project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    extra = models.JSONField(default=dict, blank=True, editable=False)
    """What clients keep with it of their own accord, such as a description."""
    options = models.JSONField(default=dict, blank=True, editable=False)
    signed_out_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When all tokens and sessions were ended last: no earlier one counts."""

    objects: ClassVar = DomainUserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "username"],
                name="identity_user_name_once",
                violation_error_message="There is a user of this name already.",
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """End all tokens and sessions when the password is changed or the account is disabled, so
        that they are not valid again when it is enabled. As in Keystone, application credentials
        end with the account, too.
        """
        renewed = getattr(self, "_password", None) is not None and not self._state.adding
        if not renewed and self.is_active:
            super().save(*args, **kwargs)
            return
        self.signed_out_at = timezone.now()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "signed_out_at"}
        with transaction.atomic():
            super().save(*args, **kwargs)
            Token.objects.filter(of_people([self.pk])).delete()
            if renewed:
                SignInFailures.objects.filter(account=SignInFailures.account_of(self.pk)).delete()
            if not self.is_active:
                self.credentials.all().delete()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """The hash that Django compares with the session's; if it differs, the session ends."""
        own: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        if self.signed_out_at is None:
            return own
        return salted_hmac("signed out", f"{own} {self.signed_out_at.timestamp()}").hexdigest()


class UserGroup(models.Model):
    """Users of a domain who are given roles together (Keystone's group)."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    name = models.CharField(max_length=64, db_collation="C")
    domain = models.ForeignKey(
        Domain, default=DOMAIN_ID, on_delete=models.PROTECT, related_name="groups"
    )
    description = models.TextField(blank=True, default="")
    extra = models.JSONField(default=dict, blank=True, editable=False)
    members = models.ManyToManyField(User, related_name="user_groups", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = "group of users"
        verbose_name_plural = "groups of users"
        constraints = [
            models.UniqueConstraint(fields=["domain", "name"], name="identity_group_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class NamedRole(models.Model):
    """A role as the API lists it: those that the site begins with, and those that operators make.

    Of the first, ``Role`` and ``service`` have rules by default. What operators make has none until
    it implies one that has, or its group in a project is granted some. One of a domain
    stands for what it implies, and is not seen in tokens.
    """

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    name = models.CharField(max_length=255, db_collation="C")
    domain = models.ForeignKey(
        Domain, null=True, blank=True, on_delete=models.CASCADE, related_name="roles"
    )
    description = models.TextField(blank=True, null=True)
    is_built_in = models.BooleanField(default=False, editable=False)
    options = models.JSONField(default=dict, blank=True, editable=False)
    extra = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = "role"
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(domain=None), name="identity_role_name_once"
            ),
            models.UniqueConstraint(fields=["domain", "name"], name="identity_role_once_in_domain"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """How rows of ``ProjectRole`` name it: built-in roles by name, which never changes."""
        return self.name if self.is_built_in else self.id


class ImpliedRole(models.Model):
    """Whoever holds the role ``prior`` holds ``implied``, too."""

    prior = models.ForeignKey(NamedRole, on_delete=models.CASCADE, related_name="implies")
    implied = models.ForeignKey(NamedRole, on_delete=models.CASCADE, related_name="implied_by")

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["prior", "implied"], name="identity_implied_once"),
        ]

    def __str__(self) -> str:
        return f"{self.prior} implies {self.implied}"


class RoleAssignment(models.Model):
    """A role that a group of users holds, or that is held in a domain, on the system, or by
    inheritance. What a user holds directly in a project is the membership in the group of its
    ``ProjectRole``; ``derived`` makes memberships of these assignments.
    """

    key = models.CharField(primary_key=True, max_length=200, db_collation="C", editable=False)
    """Made of the others, so that nothing is assigned twice."""
    role = models.ForeignKey(NamedRole, on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="assignments"
    )
    group = models.ForeignKey(
        UserGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="assignments"
    )
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="assignments"
    )
    domain = models.ForeignKey(
        Domain, null=True, blank=True, on_delete=models.CASCADE, related_name="assignments"
    )
    """Neither project nor domain: the system."""
    inherited = models.BooleanField(default=False)
    """By the projects below, not by the project or domain itself."""

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user=None) ^ models.Q(group=None),
                name="identity_user_or_group",
            ),
            models.CheckConstraint(
                condition=models.Q(project=None) | models.Q(domain=None),
                name="identity_project_or_domain",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.user or self.group}"


class ProjectRole(models.Model):
    """The group of users that hold a role in a project, such as ``alpha/member``.

    Django's group carries the rights: guardian's object permissions on the project, and for
    ``admin`` and ``service`` model permissions, which hold in every project.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=36)
    """One of ``Role``, or the key of another role that somebody holds in the project."""
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="project_role")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "role"], name="identity_one_group_per_role"),
        ]

    def __str__(self) -> str:
        return self.group.name


class System(models.Model):
    """The whole cloud, on which roles can be held. There is one row: what rules are granted on."""

    KEY: ClassVar = "all"

    id = models.CharField(primary_key=True, max_length=8, default=KEY, db_collation="C")

    class Meta:
        verbose_name = "system"
        verbose_name_plural = "system"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return "the system"


class WideRole(models.Model):
    """The group that has the rights of a role in a domain, or on the system: guardian's object
    permissions on these. It has no members; ``RoleAssignment`` says who holds the role.
    """

    domain = models.ForeignKey(
        Domain, null=True, on_delete=models.CASCADE, related_name="roles_in_it"
    )
    """``None``: the system."""
    role = models.CharField(max_length=36, db_collation="C")
    """The key of the role (``NamedRole.key``)."""
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="wide_role")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["domain", "role"], name="identity_one_group_in_domain"),
            models.UniqueConstraint(
                fields=["role"],
                condition=models.Q(domain=None),
                name="identity_one_group_on_system",
            ),
        ]

    def __str__(self) -> str:
        return self.group.name


class DerivedMembership(models.Model):
    """A user is in the group of a project's role only because of other rows: what groups of users
    hold, what is inherited, what another role implies.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "group"], name="identity_derived_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"


class SignInFailures(models.Model):
    """The number of failed sign-ins in a row, for a user or for a name that no user has."""

    account = models.CharField(primary_key=True, max_length=80, db_collation="C")
    """``user`` with the id, or ``name`` with the SHA-256 of a name that nobody has."""
    failures = models.PositiveIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["last_at"], name="identity_failures_age")]

    def __str__(self) -> str:
        return f"{self.account}: {self.failures}"

    @staticmethod
    def account_of(user_id: str) -> str:
        return f"user {user_id}"


class SignIn(models.Model):
    """Somebody has signed in with a browser. Programs get tokens, which are rows of their own."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    at = models.DateTimeField(default=timezone.now)
    address = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        default_permissions = ("view",)
        indexes = [models.Index(fields=["at"], name="identity_sign_in_age")]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.at:%Y-%m-%d %H:%M:%S}"


class FailedSignIns(models.Model):
    """How often a user failed to sign in within an hour, by whatever way; the last time stands for
    all. Names that nobody has are counted together: some are passwords that went into the wrong
    field, so no name is kept.
    """

    user_id = models.CharField(max_length=LONGEST_USER_ID, blank=True, default="", db_collation="C")
    """Empty: nobody has the name."""
    hour = models.DateTimeField()
    number = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField()
    address = models.CharField(max_length=64, blank=True, default="")
    way = models.CharField(max_length=40)
    """How the password was sent."""

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "hour"], name="identity_failed_once_an_hour"
            ),
        ]
        indexes = [models.Index(fields=["last_at"], name="identity_failed_age")]

    def __str__(self) -> str:
        return f"{self.number} of {self.user_id} at {self.hour:%Y-%m-%d %H}"


KINDS = (
    *("project", "user", "domain", "group", "role", "service", "region", "limit"),
    *("credential", "policy", "trust", "consumer", "access token"),
)


class IdentityChange(models.Model):
    """What somebody has changed of projects, users and roles by the API; changes in the admin stand
    in its own log. Rows that are gone are named by what they were.
    """

    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=LONGEST_USER_ID, db_collation="C")
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in KINDS])
    object_id = models.CharField(max_length=64, db_collation="C")
    object_name = models.CharField(max_length=255)
    project_id = models.CharField(max_length=36, blank=True, default="", db_collation="C")
    """Of roles and application credentials: in which project."""
    what = models.TextField()

    class Meta:
        default_permissions = ("view",)
        indexes = [models.Index(fields=["at"], name="identity_change_age")]

    def __str__(self) -> str:
        return f"{self.object_name}: {self.what}"


class ApplicationCredential(models.Model):
    """A secret of its own with which a program acts for a user in one project.

    ``role`` is the largest role of ``Role`` that it may use, and only as long as the user holds it.
    """

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, default="")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="credentials")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="credentials")
    role = models.CharField(max_length=16, choices=Role.choices, blank=True)
    others = ArrayField(models.CharField(max_length=36), default=list, blank=True)
    """The keys of other roles that it may use, and of what they imply."""
    access_rules = models.JSONField(null=True, blank=True, editable=False)
    """The kinds of requests that it is limited to, as ``AccessRule`` has them; none: no limit."""
    secret_hash = models.CharField(max_length=128)
    unrestricted = models.BooleanField(default=False)
    """May it make and delete application credentials?"""
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="identity_credential_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Token(models.Model):
    """Proof of identity for one user in one project; only its SHA-256 is kept."""

    digest = models.CharField(primary_key=True, max_length=64)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="tokens")
    credential = models.ForeignKey(
        ApplicationCredential, null=True, on_delete=models.CASCADE, related_name="tokens"
    )
    """What the token was got with, where it was not a password."""
    domain = models.ForeignKey(Domain, null=True, on_delete=models.CASCADE, related_name="+")
    system = models.BooleanField(default=False)
    """For a domain or the system, if not for a project: for one of them at most."""
    trust = models.ForeignKey(Trust, null=True, on_delete=models.CASCADE, related_name="tokens")
    """By which the user has the roles."""
    access = models.ForeignKey(
        AccessToken, null=True, on_delete=models.CASCADE, related_name="tokens"
    )
    """What a program got it with, by OAuth."""
    # What each request reads of the credential, trust or access, which never change.
    role = models.CharField(max_length=16, null=True, default=None, editable=False)
    """The largest role of ``Role`` that it may use; ``None``: all that the user has."""
    others = ArrayField(models.CharField(max_length=36), null=True, default=None, editable=False)
    """The keys of other roles that it may use."""
    holder = models.CharField(
        max_length=LONGEST_USER_ID, null=True, default=None, editable=False, db_collation="C"
    )
    """Whose roles these are, where they are not the user's."""
    access_rules = models.JSONField(null=True, default=None, editable=False)
    methods = models.JSONField(default=list)
    audit_id = models.CharField(max_length=22)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="identity_token_expiry")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(credential=None, trust=None, access=None)
                | models.Q(role__isnull=False, others__isnull=False),
                name="identity_token_limits",
            ),
        ]

    def __str__(self) -> str:
        return self.audit_id


def of_people(users: Sequence[str] | models.QuerySet[User]) -> models.Q:
    """The tokens that end with these users: their own, and those of trusts that they are in."""
    found = models.Q(user__in=users)
    for person in ("trustor", "trustee", "holder"):
        trusts = Trust.objects.filter(**{f"{person}__in": users})
        found |= models.Q(trust__in=trusts)
    return found
