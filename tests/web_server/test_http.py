"""HTTP as it is spoken: bodies with a length and in chunks, what is refused, what goes on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.web_server.raw import (
    WebServer,
    chunked,
    in_chunks,
    post,
    read_answer,
    running,
)

LARGE_BODY = bytes(range(256)) * 20_000
UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with running("tests.web_server.impatient") as server:
        yield server


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (in_chunks(b"x" * 5000, 5000), 5000),
        (in_chunks(b"x" * 5000, 7), 5000),
        (in_chunks(b"x" * 5000, 1), 5000),
        (in_chunks(b"\r\n\r\n" * 10, 3), 40),
        (in_chunks(b"", 1), 0),
        (in_chunks(b"x" * 100, 10, b"X-Sum: 5\r\nX-More: 6\r\n"), 100),
        (b"5;name=value\r\nhello\r\n0;last\r\n\r\n", 5),
        (b"000A\r\nhelloworld\r\n000\r\n\r\n", 10),
        (in_chunks(LARGE_BODY, 100_000), len(LARGE_BODY)),
    ],
    ids=["one", "many", "bytes", "breaks", "empty", "trailers", "extensions", "zeros", "large"],
)
@pytest.mark.parametrize("at_once", [None, 1000])
def test_a_chunked_body_arrives(
    server: WebServer, body: bytes, size: int, at_once: int | None
) -> None:
    request = chunked("/", body)
    step = at_once or len(request)
    pieces = [request[start : start + step] for start in range(0, len(request), step)]
    answer = server.ask(*pieces)
    assert (answer.status, answer.json["size"]) == (200, size)


def test_each_byte_of_a_request_may_come_alone(server: WebServer) -> None:
    request = chunked("/", in_chunks(b"hello", 2, b"X-Sum: 5\r\n"))
    answer = server.ask(*(request[i : i + 1] for i in range(len(request))))
    assert (answer.status, answer.json["size"]) == (200, 5)


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5 5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello\r\n0\r\n\r\n",
        b"4\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n" + b"x" * 5000,
        b"5;" + b"x" * 5000,
    ],
)
def test_what_is_no_chunk_is_400(server: WebServer, body: bytes) -> None:
    answer = server.ask(chunked("/", body))
    answer.check_envelope()
    assert (answer.status, answer.headers["Connection"]) == (400, "close")


@pytest.mark.parametrize(
    "request_bytes",
    [
        chunked("/", b"5\r\nhel"),
        chunked("/", b"5\r\nhello\r\n"),
        chunked("/", b"5\r\nhello\r\n0\r\n"),
        post("/", b"hel", length=5),
        b"GET / HTTP/1.1\r\nHost: loc",
    ],
)
def test_a_request_that_breaks_off_is_400(server: WebServer, request_bytes: bytes) -> None:
    answer = server.ask(request_bytes, end=True)
    answer.check_envelope()
    assert answer.status == 400


@pytest.mark.parametrize(
    "request_bytes", [post("/", LARGE_BODY), chunked("/", in_chunks(LARGE_BODY, 9999))]
)
def test_a_large_body_is_read_on(server: WebServer, request_bytes: bytes) -> None:
    answer = server.ask(request_bytes)
    assert (answer.status, answer.json["size"]) == (200, len(LARGE_BODY))
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize(
    "request_bytes", [post("/unread", LARGE_BODY), chunked("/unread", in_chunks(LARGE_BODY, 9999))]
)
def test_an_answer_before_the_body_reaches_the_client(
    server: WebServer, request_bytes: bytes
) -> None:
    """It sends all of it first: the connection must not be reset meanwhile."""
    answer = server.ask(request_bytes)
    assert (answer.status, answer.headers["Connection"]) == (413, "close")


def test_a_small_body_that_nobody_reads_does_not_end_the_connection(server: WebServer) -> None:
    with server.connect() as sock:
        sock.sendall(post("/unread", b"GET /smuggled HTTP/1.1\r\n\r\n"))
        assert read_answer(sock).status == 413
        sock.sendall(post("/next", b"12345"))
        answer = read_answer(sock)
        assert (answer.json["PATH_INFO"], answer.json["size"]) == ("/next", 5)


@pytest.mark.parametrize(
    "request_bytes",
    [post("/", b"hello", *UPGRADE), chunked("/", in_chunks(b"hello", 2), *UPGRADE)],
)
def test_an_offer_of_another_protocol_is_not_taken(server: WebServer, request_bytes: bytes) -> None:
    """Java's client makes it with each request, and sends the body at once."""
    answer = server.ask(request_bytes)
    assert (answer.status, answer.json["size"]) == (200, 5)


def test_requests_may_follow_before_they_are_answered(server: WebServer) -> None:
    with server.connect() as sock:
        sock.sendall(post("/1", b"one") + chunked("/2", in_chunks(b"two", 1)) + post("/3", b"four"))
        seen = []
        reader = sock.makefile("rb")
        for _ in range(3):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += reader.read(1)
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            seen.append(reader.read(length))
    assert [b'"PATH_INFO": "/%d"' % number in answer for number, answer in enumerate(seen, 1)] == [
        True
    ] * 3


def test_the_body_is_asked_for_when_the_client_waits_for_that(server: WebServer) -> None:
    with server.connect() as sock:
        sock.sendall(post("/", b"", "Expect: 100-continue", length=5))
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hello")
        answer = read_answer(sock)
        assert (answer.status, answer.json["size"]) == (200, 5)


@pytest.mark.parametrize(
    ("path", "first"), [("/", b"HTTP/1.1 100 Continue"), ("/unread", b"HTTP/1.1 413 ")]
)
def test_a_large_body_is_asked_for_only_where_it_is_read(
    server: WebServer, path: str, first: bytes
) -> None:
    with server.connect() as sock:
        sock.sendall(post(path, b"", "Expect: 100-continue", length=5_000_000))
        assert sock.recv(1000).startswith(first)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"GET / HTTP/2.0", 505),
        (b"GET /", 400),
        (b"get / HTTP/1.1", 400),
        (b"GET  / HTTP/1.1", 400),
        (b"GET /a b HTTP/1.1", 400),
        (b"GET a HTTP/1.1", 400),
        (b"GET ftp://a/ HTTP/1.1", 400),
        (b"GET * HTTP/1.1", 400),
        (b"GET /\x07 HTTP/1.1", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1", 414),
        (b"GET / HTTP/1.1\r\nA", 400),
        (b"GET / HTTP/1.1\r\nA : 1", 400),
        (b"GET / HTTP/1.1\r\n: 1", 400),
        (b"GET / HTTP/1.1\r\nA: 1\r\n 2", 400),
        (b"GET / HTTP/1.1\r\nA: \x00", 400),
        (b"GET / HTTP/1.1\r\nA: 1\rB: 2", 400),
        (b"GET / HTTP/1.1\nA: 1", 400),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 20_000, 431),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 80_000, 431),
        (b"GET / HTTP/1.1" + b"\r\nA: 1" * 101, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: +1", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1, 1", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 0x1", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: \xb2", 400),
        (b"POST / HTTP/1.1\r\nContent-Length:", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000, 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked", 400),
        (b"POST / HTTP/1.1\r\nExpect: wonders", 417),
    ],
)
def test_what_is_no_request_is_refused_in_the_envelope(
    server: WebServer, lines: bytes, status: int
) -> None:
    answer = server.ask(lines + b"\r\n\r\n")
    answer.check_envelope()
    assert (answer.status, answer.headers["Connection"]) == (status, "close")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a?b=c?d", "/a", "b=c?d"),
        (b'/a"b', '/a"b', ""),
        (b"/%C3%A9?%C3%A9", "/\xc3\xa9", "%C3%A9"),
        (b"/\xff\xc3\xa9?\xff", "/\xff\xc3\xa9", "\xff"),
        (b"//a//b", "//a//b", ""),
        (b"http://elsewhere/a?b", "/a", "b"),
        (b"/a#b", "/a", ""),
        (b"/a%3Fb", "/a?b", ""),
    ],
)
def test_the_url_reaches_the_site_as_it_is(
    server: WebServer, target: bytes, path: str, query: str
) -> None:
    given = server.ask(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").json
    assert (given["PATH_INFO"], given["QUERY_STRING"]) == (path, query)


def test_headers_reach_the_site(server: WebServer) -> None:
    given = server.ask(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Many: 1\r\nx-many: 2\r\n"
        b"X_Auth_Token: forged\r\nX-Space:\t a b \t\r\nContent-Type: text/plain\r\n\r\n"
    ).json
    assert given["HTTP_X_MANY"] == "1,2"
    assert given["HTTP_X_SPACE"] == "a b"
    assert given["CONTENT_TYPE"] == "text/plain"
    assert "HTTP_X_AUTH_TOKEN" not in given
    assert given["REMOTE_ADDR"] == "127.0.0.1"


def test_an_empty_line_before_a_request_is_no_fault(server: WebServer) -> None:
    assert server.ask(b"\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200


@pytest.mark.parametrize(
    ("lines", "goes_on"),
    [
        (b"GET / HTTP/1.1", True),
        (b"GET / HTTP/1.1\r\nConnection: close", False),
        (b"GET / HTTP/1.1\r\nConnection: Upgrade, Close", False),
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive", True),
        (b"OPTIONS * HTTP/1.0", False),
    ],
)
def test_the_connection_goes_on_as_the_client_wishes(
    server: WebServer, lines: bytes, goes_on: bool
) -> None:
    with server.connect() as sock:
        sock.sendall(lines + b"\r\n\r\n")
        answer = read_answer(sock)
        assert answer.status == 200
        assert answer.headers["Connection"] == ("keep-alive" if goes_on else "close")
        if not goes_on:
            assert sock.recv(1) == b""


def test_head_has_no_body(server: WebServer) -> None:
    with server.connect() as sock:
        sock.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while more := sock.recv(1000):
            answer += more
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")


def test_a_fault_of_the_site_is_told(server: WebServer) -> None:
    answer = server.get("/broken")
    answer.check_envelope()
    assert (answer.status, answer.fault) == (500, "computeFault")
    assert server.get().status == 200


def test_a_client_that_goes_before_its_answer_harms_nobody(server: WebServer) -> None:
    for _ in range(5):
        with server.connect() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            sock.sendall(post("/slow"))
            time.sleep(0.01)  # the server takes the request before the connection is reset
    assert server.get().status == 200
