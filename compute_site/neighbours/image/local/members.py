"""The members of shared images: who may have them, and what the members say of it."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.faults import Conflict, Forbidden, NotFound
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.local.properties import TooMuchOnImage
from compute_site.neighbours.image.models import SHARED, Image, ImageMember
from compute_site.neighbours.ownership import may_on, permit_on


class NotShared(Forbidden):
    """Only images of the visibility ``shared`` have members. Glance: 403."""

    code = "not_shared"


class MemberTwice(Conflict):
    """The project is a member already."""

    code = "member_twice"


def members_of(caller: Caller, image: Image) -> QuerySet[ImageMember]:
    """All members for the owner; a member sees only itself."""
    _check_shared(image)
    caller.permit(policies.LIST_MEMBERS)
    members = image.members.order_by("pk")
    if may_on(caller, policies.LIST_MEMBERS, image.owner_id):
        return members
    return members.filter(member_id=caller.project_id)


def find_member(caller: Caller, image: Image, project_id: str) -> ImageMember:
    """Raises: NotFound: the project is no member, or the caller does not see it; an image that is
    not shared has none.
    """
    if image.visibility != SHARED:
        raise NotFound(f"Image {image.pk} is {image.visibility} and has no members.")
    found = members_of(caller, image).filter(member_id=project_id).first()
    if found is None:
        raise NotFound(f"The project {project_id[:255]} is no member of the image {image.pk}.")
    return found


@transaction.atomic
def add_member(caller: Caller, image: Image, project_id: str) -> ImageMember:
    """
    Raises:
        NotShared: 403.
        MemberTwice: 409.
        TooMuchOnImage: it has as many as it may have.
    """
    permit_on(caller, policies.ADD_MEMBER, image.owner_id)
    _check_shared(image)
    Image.objects.select_for_update(no_key=True).get(pk=image.pk)
    members, most = image.members.all(), settings.OPTIONS.image_member_quota
    if members.filter(member_id=project_id).exists():
        raise MemberTwice(f"The project {project_id} is a member of the image already.")
    if 0 <= most <= members.count():
        raise TooMuchOnImage(f"An image has at most {most} members.")
    return ImageMember.objects.create(image=image, member_id=project_id)


def set_status(caller: Caller, image: Image, project_id: str, status: str) -> ImageMember:
    """Note what the member says of the image, which only the member may."""
    member = find_member(caller, image, project_id)
    permit_on(caller, policies.MODIFY_MEMBER, project_id)
    member.status, member.updated_at = status, timezone.now()
    member.save(update_fields=["status", "updated_at"])
    return member


def remove_member(caller: Caller, image: Image, project_id: str) -> None:
    member = find_member(caller, image, project_id)
    permit_on(caller, policies.DELETE_MEMBER, image.owner_id)
    member.delete()


def _check_shared(image: Image) -> None:
    if image.visibility != SHARED:
        raise NotShared(f"Image {image.pk} is {image.visibility}; only shared images have members.")
