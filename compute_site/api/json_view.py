"""The base class of the views of all APIs: reads JSON bodies and renders answers."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from compute_site.api.repeatable import refuse_key
from compute_site.faults import BodyTooLarge
from compute_site.values.strict_json import MalformedJson, read_json


def answer_options() -> HttpResponse:
    """An empty answer. OpenStack's services answer OPTIONS like this at every URL and without a
    token; browsers and load balancers use it to see whether the service runs.
    """
    response = HttpResponse()
    del response["Content-Type"]
    return response


class JsonView(APIView):
    """Renders its answers itself, and not after the view as DRF does, so that an error of rendering
    is answered like any other, in the envelope of the API.
    """

    keeps_answers: ClassVar[bool] = False
    """Does a client get the first answer again that repeats a request with an idempotency key?"""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            return answer_options()
        self.args, self.kwargs = args, kwargs
        asked = self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(asked, *args, **kwargs)
            if not self.keeps_answers:
                refuse_key(asked)
            response = self.respond(asked)
        except Exception as error:  # noqa: BLE001 - the one place where errors become answers
            response = self.handle_exception(error)
        try:
            response = self.finish(asked, response)
        except Exception as error:  # noqa: BLE001 - such as a thing that cannot be shown
            response = self.finish(asked, self.handle_exception(error))
        self.cut_cycles(response)
        return response

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        asked = super().initialize_request(request, *args, **kwargs)
        # DRF's request would look for these in two places, dozens of times
        asked.META, asked.method, asked.path = request.META, request.method, request.path
        return asked

    def respond(self, request: Request) -> HttpResponse:
        """Call the method of the request with what its URL names."""
        method = str(request.method).lower()
        known = method in self.http_method_names
        handler = getattr(self, method, None) if known else None
        response: HttpResponse = (handler or self.http_method_not_allowed)(
            request, *self.args, **self.kwargs
        )
        return response

    def finish(self, request: Request, response: HttpResponse) -> HttpResponse:
        """The answer with its headers, rendered."""
        response = self.finalize_response(request, response, *self.args, **self.kwargs)  # type: ignore[arg-type] # answers that are not DRF's pass unchanged
        if isinstance(response, Response):
            response.render()
        return response

    def cut_cycles(self, response: HttpResponse) -> None:
        """Remove the references that make cycles of views, requests and answers. Otherwise a large
        body or page stays in memory until the garbage collector runs, which delays some later
        request by 100 ms.
        """
        vars(self).pop("head", None)  # Django's, a method of this view
        self.request.parser_context.clear()
        if isinstance(response, Response):
            response.renderer_context.clear()  # type: ignore[attr-defined] # DRF sets it late

    def raw_body(self) -> bytes:
        """The body as bytes.

        Raises:
            BodyTooLarge: it is larger than Django reads.
            MalformedJson: it has been read as a form already.
        """
        try:
            return self.request._request.body  # noqa: SLF001 - DRF's parsers would coerce and wrap
        except RequestDataTooBig:
            raise BodyTooLarge("The body is too large.") from None
        except RawPostDataException:
            raise MalformedJson("The body is a form, and not JSON.") from None

    def read_body(self) -> Any:
        """The JSON body.

        Raises:
            BodyTooLarge, MalformedJson: as ``raw_body`` and ``read_json``.
        """
        return read_json(self.raw_body())
