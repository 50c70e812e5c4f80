"""The base of the views of all APIs: how a JSON body is read, and how an answer leaves."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from compute_site.faults import BodyTooLarge
from compute_site.strict_json import MalformedJson, read_json


def answer_options() -> HttpResponse:
    """OpenStack's services answer OPTIONS at every URL and for everyone, with nothing: browsers and
    balancers ask by it whether there is a service at all.
    """
    response = HttpResponse()
    del response["Content-Type"]
    return response


class JsonView(APIView):
    """Answers are rendered here, and not after the view as DRF does it: what goes wrong then is
    an error as any other, and gets the envelope of the API.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            return answer_options()
        self.args, self.kwargs = args, kwargs
        asked = self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(asked, *args, **kwargs)
            response = self.respond(asked)
        except Exception as error:  # noqa: BLE001 - the one place where errors become answers
            response = self.handle_exception(error)
        try:
            response = self.finish(asked, response)
        except Exception as error:  # noqa: BLE001 - such as a thing that cannot be shown
            response = self.finish(asked, self.handle_exception(error))
        self.cut_cycles(response)
        return response

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
        """By way of these, views, requests and answers know themselves. A body or a page of a
        thousand things would lie in memory until the garbage collector finds it, which holds up
        some later request by 100 ms.
        """
        vars(self).pop("head", None)  # Django's, a method of this view
        self.request.parser_context.clear()
        if isinstance(response, Response):
            response.renderer_context.clear()  # type: ignore[attr-defined] # DRF sets it late

    def raw_body(self) -> bytes:
        """The body as it came.

        Raises:
            BodyTooLarge: it is larger than Django reads.
            MalformedJson: it was read as a form already.
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
