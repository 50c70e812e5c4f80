"""``/extensions``: answers."""

from __future__ import annotations

from compute_site.api.microversions.answers import TEXT, TIME, AnswerSerializer, Shown
from compute_site.api.microversions.fields import Schema

NO_LINKS: Schema = {"type": "array", "maxItems": 0}
NAMESPACE = "http://docs.openstack.org/compute/ext/fake_xml"
UPDATED = "2014-12-03T00:00:00Z"


class ExtensionAnswer(AnswerSerializer):
    """A part of the API; the time and the namespace are the same for all, as in Nova."""

    alias = Shown(TEXT)
    name = Shown(TEXT)
    description = Shown(TEXT, lambda extension, _: f"{extension.name}, a part of this API.")
    links = Shown(NO_LINKS, lambda *_: [])
    namespace = Shown(TEXT, lambda *_: NAMESPACE)
    updated = Shown(TIME, lambda *_: UPDATED)
