"""What the local image service shows to whom."""

from __future__ import annotations

from compute_site.identity.models import Project
from compute_site.neighbours.image import local
from compute_site.neighbours.image.models import Image
from tests.world.services import make_caller


def test_private_images_of_other_projects_are_the_admins_alone(
    alpha: Project, beta: Project
) -> None:
    own = Image.objects.create(owner=alpha)
    community = Image.objects.create(owner=beta, visibility="community")
    foreign = Image.objects.create(owner=beta)
    shared = Image.objects.create(owner=beta, visibility="shared")
    nobodys = Image.objects.create()
    ids = [str(image.pk) for image in (own, community, foreign, shared, nobodys)]
    assert set(local.find_images(make_caller(alpha), ids)) == set(ids[:2])
    assert set(local.find_images(make_caller(alpha, admin=True), ids)) == set(ids)


def test_an_image_is_shown_whole(alpha: Project) -> None:
    image = Image.objects.create(
        name="cirros",
        owner=alpha,
        min_ram=64,
        size=100,
        tags=["a", "b"],
        properties={"hw_numa_nodes": "two"},
    )
    found = local.find_images(make_caller(alpha), [str(image.pk)])[str(image.pk)]
    assert (found.name, found.min_ram, found.size, found.tags) == ("cirros", 64, 100, ("a", "b"))
    assert found.properties == {"hw_numa_nodes": "two"}
    assert found.owner == alpha.pk


def test_an_id_in_another_form_finds_nothing(alpha: Project) -> None:
    image = Image.objects.create(owner=alpha)
    forms = [image.pk.hex, f"urn:uuid:{image.pk}", f"{{{image.pk}}}", "", "cirros"]
    assert local.find_images(make_caller(alpha), forms) == {}
