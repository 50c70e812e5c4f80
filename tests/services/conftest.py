"""Projects for the tests of the services."""

from __future__ import annotations

import pytest

from compute_site.identity.models import Project


@pytest.fixture
def alpha(db: None) -> Project:
    return Project.objects.create(name="alpha-of-services")


@pytest.fixture
def beta(db: None) -> Project:
    return Project.objects.create(name="beta-of-services")
