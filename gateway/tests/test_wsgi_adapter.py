"""The WSGI adapter: short responses as a whole, long ones streamed at the client's pace."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from core.testing.asgi import run
from gateway.request_body import ClientDisconnected
from gateway.wsgi_adapter import CHUNK_SIZE, WsgiThreadPool

OK, TEXT = "200 OK", [("Content-Type", "text/plain")]
word: ContextVar[str] = ContextVar("word", default="")


class Client:
    """Sends one request through real threads and records every message of the response."""

    def __init__(self, method="GET", path="/", *, headers=(), body=b"", **scope):
        self.body = body
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": list(headers),
            **scope,
        }
        self.messages = []
        self.disconnect_after = 10**9

    def request(self, application):
        return run(self._request(WsgiThreadPool(application, 2)))

    async def _request(self, threads):
        self.remaining = asyncio.Event()
        try:
            await threads(self.scope, self.body, self._receive, self._send)
        finally:
            threads.pool.shutdown(wait=False)
        return self

    async def _receive(self):
        await self.remaining.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        self.messages.append(message)
        if len(self.messages) >= self.disconnect_after:
            self.remaining.set()
            await asyncio.sleep(0.05)

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def headers(self):
        return self.messages[0]["headers"]

    @property
    def parts(self):
        return [message["body"] for message in self.messages[1:]]


class Parts:
    """The parts that an application returns; remembers whether it was closed."""

    def __init__(self, parts):
        self.parts = iter(parts)
        self.produced = 0
        self.is_closed = False
        self.threads = set()

    def __iter__(self):
        for part in self.parts:
            self.produced += 1
            self.threads.add(threading.get_ident())
            yield part

    def close(self):
        self.is_closed = True
        self.threads.add(threading.get_ident())


def app_returning(parts, status=OK, headers=TEXT):
    def application(environ, start_response):
        start_response(status, headers)
        return parts

    return application


def environ_of(**request):
    received = {}

    def application(environ, start_response):
        received.update(environ, read=environ["wsgi.input"].read())
        start_response(OK, TEXT)
        return [b""]

    Client(**request).request(application)
    return received


def test_small_parts_are_sent_as_a_whole():
    parts = Parts([b"one ", b"two ", b"three"])

    response = Client().request(app_returning(parts))

    assert (response.status, response.headers) == (200, [(b"content-type", b"text/plain")])
    assert response.parts == [b"one two three"]
    assert parts.is_closed


def test_large_part_is_sent_as_a_whole():
    response = Client().request(app_returning([b"x" * 3 * CHUNK_SIZE]))

    assert [len(part) for part in response.parts] == [3 * CHUNK_SIZE]


def test_long_response_is_streamed_in_order_from_one_thread():
    kilobytes = [bytes([number % 256]) * 1024 for number in range(1000)]
    parts = Parts(kilobytes)

    response = Client().request(app_returning(parts))

    assert b"".join(response.parts) == b"".join(kilobytes)
    assert max(map(len, response.parts)) <= CHUNK_SIZE + 1024
    assert [message["more_body"] for message in response.messages[1:]] == [True] * (len(response.parts) - 1) + [False]
    assert len(parts.threads) == 1


def test_long_response_is_produced_at_the_clients_pace():
    parts = Parts(b"x" * (CHUNK_SIZE + 1) for _ in range(100))
    made = []

    class Slow(Client):
        async def _send(self, message):
            await asyncio.sleep(0.002)
            made.append(parts.produced)
            await super()._send(message)

    Slow().request(app_returning(parts))

    assert len(made) == 101
    assert all(produced <= sent + 2 for sent, produced in enumerate(made))


def test_response_is_closed_when_the_client_disconnects():
    parts = Parts(b"x" * CHUNK_SIZE for _ in range(1000))
    client = Client()
    client.disconnect_after = 3

    with pytest.raises(ClientDisconnected):
        client.request(app_returning(parts))

    assert parts.produced < 10
    assert parts.is_closed


def test_thread_is_freed_from_a_stuck_client(monkeypatch):
    monkeypatch.setattr("gateway.wsgi_adapter.CLIENT_TIMEOUT", 0.1)
    parts = Parts(b"x" * CHUNK_SIZE for _ in range(1000))

    class Stuck(Client):
        async def _send(self, message):
            await asyncio.sleep(60)

    with pytest.raises(ClientDisconnected):
        Stuck().request(app_returning(parts))

    assert parts.is_closed


def test_cancelled_request_ends_in_its_thread():
    parts = Parts(b"x" * CHUNK_SIZE for _ in range(1000))

    async def cancel_request():
        client = Client()
        task = asyncio.ensure_future(client._request(WsgiThreadPool(app_returning(parts), 1)))
        while not client.messages:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait({task})
        for _ in range(100):
            if parts.is_closed:
                return
            await asyncio.sleep(0.01)

    run(cancel_request())

    assert parts.is_closed
    assert parts.produced < 1000


def test_error_before_the_head_sends_nothing():
    def application(environ, start_response):
        raise ZeroDivisionError

    client = Client()

    with pytest.raises(ZeroDivisionError):
        client.request(application)

    assert client.messages == []


def failing_after(parts):
    yield from parts
    raise ZeroDivisionError


def test_error_in_a_short_response_sends_nothing():
    parts = Parts(failing_after([b"one"]))
    client = Client()

    with pytest.raises(ZeroDivisionError):
        client.request(app_returning(parts))

    assert client.messages == []
    assert parts.is_closed


def test_error_in_a_long_response_breaks_it_off():
    parts = Parts(failing_after([b"x" * CHUNK_SIZE] * 4))
    client = Client()

    with pytest.raises(ZeroDivisionError):
        client.request(app_returning(parts))

    assert client.status == 200
    assert all(message["more_body"] for message in client.messages[1:])
    assert parts.is_closed


def test_start_response_may_replace_an_unsent_head():
    def application(environ, start_response):
        start_response(OK, TEXT)
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as error:
            start_response("500 Oops", TEXT, (ZeroDivisionError, error, error.__traceback__))
        return [b"sorry"]

    response = Client().request(application)

    assert (response.status, response.parts) == (500, [b"sorry"])


def test_written_and_returned_parts_are_one_body():
    def application(environ, start_response):
        write = start_response(OK, TEXT)
        write(b"written, ")
        return [b"returned"]

    assert Client().request(application).parts == [b"written, returned"]


def test_head_may_come_with_the_first_part():
    def application(environ, start_response):
        start_response(OK, TEXT)
        yield b"late"

    assert Client().request(application).parts == [b"late"]


def test_response_without_a_head_is_an_error():
    with pytest.raises(RuntimeError, match="start_response"):
        Client().request(lambda environ, start_response: [b"body"])


@pytest.mark.parametrize(("method", "status"), [("HEAD", OK), ("GET", "204 No Content"), ("GET", "304 Not Modified")])
def test_bodiless_response_keeps_its_headers(method, status):
    parts = Parts(b"x" * CHUNK_SIZE for _ in range(1000))

    response = Client(method).request(app_returning(parts, status, [("Content-Length", "131072000"), ("ETag", '"1"')]))

    assert response.messages[1:] == [{"type": "http.response.body", "body": b"", "more_body": False}]
    assert response.headers == [(b"content-length", b"131072000"), (b"etag", b'"1"')]
    assert parts.produced <= 1
    assert parts.is_closed


def test_cookies_are_separate_headers():
    cookies = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("Set-Cookie", "b=3")]

    response = Client().request(app_returning([b""], OK, cookies))

    assert response.headers == [(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2"), (b"set-cookie", b"b=3")]


def test_context_variables_are_copied_to_the_thread():
    def application(environ, start_response):
        received.append(word.get())
        word.set("from the thread")
        start_response(OK, TEXT)
        return [b""]

    received = []

    async def request_once():
        threads = WsgiThreadPool(application, 1)
        client = Client()
        word.set("from the loop")
        await client._request(threads)
        return word.get()

    assert run(request_once()) == "from the loop"
    assert received == ["from the loop"]


def test_environ_describes_the_request():
    environ = environ_of(
        method="POST",
        path="/a b/",
        query_string=b"q=%C3%A9&r=\xff",
        body=b"hello",
        headers=[(b"content-type", b"text/plain"), (b"content-length", b"99"), (b"x-request-id", b"abc")],
        server=("192.0.2.1", 8000),
        client=("192.0.2.9", 4711),
    )

    names = (
        "REQUEST_METHOD",
        "PATH_INFO",
        "QUERY_STRING",
        "CONTENT_TYPE",
        "CONTENT_LENGTH",
        "HTTP_X_REQUEST_ID",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "REMOTE_ADDR",
        "read",
    )
    assert [environ[name] for name in names] == [
        "POST",
        "/a b/",
        "q=%C3%A9&r=\xff",
        "text/plain",
        "5",
        "abc",
        "192.0.2.1",
        "8000",
        "HTTP/1.1",
        "192.0.2.9",
        b"hello",
    ]
    assert "HTTP_CONTENT_LENGTH" not in environ


@pytest.mark.parametrize("path", ["/tâches/", "/任务/", "/%/", "/a\nb/"])
def test_path_info_holds_the_bytes_of_utf8(path):
    assert environ_of(path=path)["PATH_INFO"].encode("latin-1").decode() == path


def test_path_info_is_relative_to_the_root_path():
    environ = environ_of(path="/app/tasks/", root_path="/app")

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/app", "/tasks/")


@pytest.mark.parametrize(("scheme", "port"), [("http", "80"), ("https", "443")])
@pytest.mark.parametrize("server", [None, ("/run/node.sock", None)])
def test_unix_socket_has_its_schemes_port_and_no_address(server, scheme, port):
    environ = environ_of(server=server, scheme=scheme, client=None)

    assert (environ["wsgi.url_scheme"], environ["SERVER_PORT"]) == (scheme, port)
    assert "REMOTE_ADDR" not in environ


def test_repeated_headers_are_joined():
    headers = [(b"accept", b"a"), (b"cookie", b"x=1"), (b"accept", b"b"), (b"cookie", b"y=2")]

    environ = environ_of(headers=headers)

    assert (environ["HTTP_ACCEPT"], environ["HTTP_COOKIE"]) == ("a,b", "x=1; y=2")


def test_headers_with_underscores_are_dropped():
    headers = [(b"x_forwarded_for", b"192.0.2.66"), (b"content_length", b"0"), (b"x-forwarded-proto", b"https")]

    environ = environ_of(headers=headers)

    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert environ["HTTP_X_FORWARDED_PROTO"] == "https"
    assert environ["CONTENT_LENGTH"] == "0"
