"""A service elsewhere, and how it is called: by whose token, for how long, and what its answers
mean.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.conf import settings
from keystoneauth1.exceptions import ClientException
from requests import RequestException, Response

from compute_site.caller import Caller
from compute_site.faults import Unauthorized, Unavailable
from compute_site.metrics.meters import SERVICE_CALLS, SERVICE_SECONDS, count
from compute_site.neighbours.elsewhere import session
from compute_site.neighbours.elsewhere.faults import REFUSALS
from compute_site.neighbours.elsewhere.outside import check_outside
from compute_site.request_id import GLOBAL_ID, current_sender

logger = logging.getLogger(__name__)

Thing = TypeVar("Thing")

VERSION_AND_REST = re.compile(r"/v[0-9]+(\.[0-9]+)?(/[^/]*)?/?$")
"""How the URLs of catalogues end: the version, and for volumes the project as well."""
TAG = re.compile("<[^>]*>")
"""Glance tells what is wrong on a page of HTML."""
LONGEST_MESSAGE = 500
"""Characters of what a service says, in an error of ours."""
UNREADABLE = (KeyError, IndexError, TypeError, ValueError, AttributeError)
"""What comes of reading an answer that is not as it should be."""
Headers = Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call that succeeded; ``body`` is what its JSON says, ``None`` without any."""

    status: int
    headers: Headers
    body: Any


@dataclasses.dataclass(frozen=True)
class RemoteService:
    """A service elsewhere.

    ``label`` is how metrics call it, ``service_type`` how the catalogue does; ``version`` begins
    the paths of its URLs, ``endpoint_option`` names the option with its URL where that of the
    catalogue does not count, and ``away`` is the error of clients when it cannot be used.
    ``wants_service_token``: the service user's token goes along as a service's even where it is
    also the caller's.
    """

    label: str
    service_type: str
    version: str
    endpoint_option: str
    away: type[Unavailable]
    wants_service_token: bool = False

    def call(
        self,
        method: str,
        path: str,
        *,
        caller: Caller | None = None,
        json: Any = None,
        data: Iterable[bytes] | bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Headers | None = None,
    ) -> Answer:
        """Call the service as the caller, with the service user's token beside the caller's; as the
        service user itself without a caller, or for one who has no token of that cloud.

        Raises:
            Refused: a subclass for the status of the answer.
            Unauthorized: the caller's token is not valid any more.
            Unavailable: as ``away``; the service does not answer, or not in a form that we know.
            CalledInTransaction: a transaction of ours is open.
        """
        response = self.send(
            method, path, caller=caller, json=json, data=data, params=params, headers=headers
        )
        return Answer(response.status_code, response.headers, self._json(response))

    def stream(self, path: str, *, headers: Headers | None = None) -> Response:
        """The answer to a ``GET`` by the service user, whose body is still to be read; whoever
        reads it closes it. Raises as ``call``.
        """
        return self.send("GET", path, headers=headers, stream=True)

    def send(
        self,
        method: str,
        path: str,
        *,
        caller: Caller | None = None,
        headers: Headers | None = None,
        json: Any = None,
        data: Iterable[bytes] | bytes | None = None,
        params: Mapping[str, Any] | None = None,
        stream: bool = False,
    ) -> Response:
        """As ``call``; the answer as it came, which has succeeded."""
        check_outside(f"{method} {path} of the {self.label} service")
        given = {"json": json, "data": data, "params": params, "stream": stream}
        given = {name: value for name, value in given.items() if value}
        as_user = caller is not None and bool(caller.token)
        response = self._send_as(method, path, caller, headers, given, renew=False)
        if response.status_code == 401 and (data is None or isinstance(data, bytes)):
            # of the two tokens, the service user's may be the one that has ended
            response = self._send_as(method, path, caller, headers, given, renew=True)
        if response.status_code < 400:
            return response
        raise self._refusal(response, as_user=as_user)

    def read(self, answer: Answer, parse: Callable[[Any], Thing]) -> Thing:
        """What ``parse`` makes of the body of an answer; raises as ``understand``."""
        return self.understand(answer.body, parse)

    def understand(self, shown: Any, parse: Callable[[Any], Thing]) -> Thing:
        """What ``parse`` makes of a part of an answer.

        Raises:
            Unavailable: as ``away``; it is not as ``parse`` needs it.
        """
        try:
            return parse(shown)
        except UNREADABLE as error:
            logger.warning("the %s service answers what cannot be read: %r", self.label, error)
            raise self.away(f"The {self.label} service answers what cannot be read.") from error

    @property
    def root(self) -> str:
        """The URL of the service without a version."""
        override = str(getattr(settings.OPTIONS, self.endpoint_option))
        url = override or session.catalogue_url(self.service_type)
        if not url:
            raise self.away(f"The cloud's catalogue names no {self.label} service.")
        return VERSION_AND_REST.sub("", url.rstrip("/"))

    def _send_as(
        self,
        method: str,
        path: str,
        caller: Caller | None,
        headers: Headers | None,
        given: Mapping[str, Any],
        *,
        renew: bool,
    ) -> Response:
        began = time.perf_counter()
        result = "no answer"
        try:
            url = f"{self.root}{self.version}{path}"
            tokens = self._tokens(caller, renew=renew)
        except ClientException as error:
            count(SERVICE_CALLS, self.label, method, "no token")
            raise self._away(error, "cannot be used, as Keystone does not let us in") from error
        try:
            response = session.open_session().request(
                url,
                method,
                authenticated=False,
                raise_exc=False,
                redirect=False,
                log=False,  # of bodies there may be much, and secrets
                timeout=_timeouts(),
                headers={**tokens, **_origin(), **(headers or {})},
                **given,
            )
            result = str(response.status_code)
        except (ClientException, RequestException) as error:
            raise self._away(error, "does not answer") from error
        finally:
            seconds = time.perf_counter() - began
            count(SERVICE_CALLS, self.label, method, result)
            count(SERVICE_SECONDS, self.label, amount=seconds)
            logger.debug("%s %s %s: %s, %.3f s", self.label, method, path, result, seconds)
        return response

    def _tokens(self, caller: Caller | None, *, renew: bool) -> dict[str, str]:
        ours = session.service_token(renew=renew)
        of_user = caller.token if caller is not None else ""
        beside = {"X-Service-Token": ours} if of_user or self.wants_service_token else {}
        return {"X-Auth-Token": of_user or ours, **beside}

    def _away(self, error: Exception, what: str) -> Unavailable:
        """The error of clients; the log says more to operators."""
        logger.warning("the %s service %s: %s", self.label, what, error)
        return self.away(f"The {self.label} service {what}; try again later.")

    def _refusal(self, response: Response, *, as_user: bool) -> Exception:
        status, said, kind = response.status_code, message_of(response), kind_of(response)
        response.close()
        if status == 401 and as_user:
            return Unauthorized("The token is not valid any more; get another one.")
        refusal = REFUSALS.get(status)
        if refusal is None or (status == 403 and not as_user):
            logger.warning("the %s service answers %d: %s", self.label, status, said)
            return self.away(f"The {self.label} service cannot be used; try again later.")
        refused = refusal(f"The {self.label} service says: {said}")
        refused.kind = kind
        return refused

    def _json(self, response: Response) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            logger.warning("the %s service answers no JSON: %s", self.label, error)
            raise self.away(f"The {self.label} service answers what cannot be read.") from error


def message_of(response: Response) -> str:
    """What the service says was wrong, in whichever envelope it does, else the status in words."""
    try:
        found = _message_in(response.json())
    except ValueError:
        found = " ".join(TAG.sub(" ", response.text.rpartition("</h1>")[2]).split())
    return (found or response.reason or str(response.status_code))[:LONGEST_MESSAGE]


def kind_of(response: Response) -> str:
    """What Neutron calls the error (``NeutronError``)."""
    try:
        return str(response.json()["NeutronError"]["type"])
    except UNREADABLE:
        return ""


def _message_in(body: Any) -> str | None:
    """Every service has its own envelope; somewhere in each stands ``message``."""
    if isinstance(body, Mapping):
        message = body.get("message")
        if isinstance(message, str):
            return message
        return next(filter(None, map(_message_in, body.values())), None)
    return None


def _origin() -> dict[str, str]:
    """The id of the request that this goes back to: the other service's log names it as well."""
    request_id = current_sender.get().request_id.partition(" ")[0]
    return {"X-OpenStack-Request-ID": request_id} if GLOBAL_ID.fullmatch(request_id) else {}


def _timeouts() -> tuple[float, float]:
    options = settings.OPTIONS
    return options.openstack_connect_seconds, options.openstack_read_seconds
