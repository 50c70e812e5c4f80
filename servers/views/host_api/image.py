"""Data of images for hosts."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from compute_site.faults import NotFound
from compute_site.neighbours import image_service
from compute_site.neighbours.image.api.download import send_part
from servers.host_orders.take import may_fetch
from servers.views.host_api.view import HostView


class Image(HostView):
    """``GET /host/v1/images/{id}``, with ``Range``: those that open orders of the host need."""

    def get(self, request: Request, image_id: str) -> HttpResponseBase:
        source = image_service().find_source(image_id) if may_fetch(self.agent, image_id) else None
        file = image_service().find_file(image_id) if source is not None else None
        if source is None or file is None:
            raise NotFound(f"No order of this host needs an image {image_id[:60]} that has data.")
        response = send_part(file, source.size, request.META.get("HTTP_RANGE"))
        response["ETag"] = f'"{source.sha512}"'
        return response
