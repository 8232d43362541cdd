"""Django's place behind the gateway: WSGI in threads, whole answers in one piece, long ones as their reader takes them."""

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


class Caller:
    """Sends one request through real threads and keeps every message of the answer."""

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
        self.leaves_after = 10**9

    def ask(self, application):
        return run(self._ask(WsgiThreadPool(application, 2)))

    async def _ask(self, threads):
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
        if len(self.messages) >= self.leaves_after:
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
    """What an application returns: parts, and a note that it was closed."""

    def __init__(self, parts):
        self.parts = iter(parts)
        self.drain = 0
        self.is_closed = False
        self.threads = set()

    def __iter__(self):
        for part in self.parts:
            self.drain += 1
            self.threads.add(threading.get_ident())
            yield part

    def close(self):
        self.is_closed = True
        self.threads.add(threading.get_ident())


def answering(parts, status=OK, headers=TEXT):
    def application(environ, start_response):
        start_response(status, headers)
        return parts

    return application


def environ_of(**request):
    seen = {}

    def application(environ, start_response):
        seen.update(environ, read=environ["wsgi.input"].read())
        start_response(OK, TEXT)
        return [b""]

    Caller(**request).ask(application)
    return seen


def test_an_answer_of_many_small_parts_leaves_as_a_whole():
    parts = Parts([b"one ", b"two ", b"three"])

    answer = Caller().ask(answering(parts))

    assert (answer.status, answer.headers) == (200, [(b"content-type", b"text/plain")])
    assert answer.parts == [b"one two three"]
    assert parts.is_closed


def test_one_large_part_leaves_as_a_whole_too():
    answer = Caller().ask(answering([b"x" * 3 * CHUNK_SIZE]))

    assert [len(part) for part in answer.parts] == [3 * CHUNK_SIZE]


def test_a_long_answer_leaves_piece_by_piece_in_its_own_order_from_one_thread():
    kilobytes = [bytes([number % 256]) * 1024 for number in range(1000)]
    parts = Parts(kilobytes)

    answer = Caller().ask(answering(parts))

    assert b"".join(answer.parts) == b"".join(kilobytes)
    assert max(map(len, answer.parts)) <= CHUNK_SIZE + 1024
    assert [message["more_body"] for message in answer.messages[1:]] == [True] * (len(answer.parts) - 1) + [False]
    assert len(parts.threads) == 1


def test_a_long_answer_is_made_no_faster_than_its_reader_takes_it():
    parts = Parts(b"x" * (CHUNK_SIZE + 1) for _ in range(100))
    made = []

    class Slow(Caller):
        async def _send(self, message):
            await asyncio.sleep(0.002)
            made.append(parts.drain)
            await super()._send(message)

    Slow().ask(answering(parts))

    assert len(made) == 101
    assert all(drain <= sent + 2 for sent, drain in enumerate(made))


def test_when_the_reader_leaves_the_answer_ends_and_is_closed():
    parts = Parts(b"x" * CHUNK_SIZE for _ in range(1000))
    caller = Caller()
    caller.leaves_after = 3

    with pytest.raises(ClientDisconnected):
        caller.ask(answering(parts))

    assert parts.drain < 10
    assert parts.is_closed


def test_when_the_reader_takes_nothing_for_too_long_the_thread_is_free_again(monkeypatch):
    monkeypatch.setattr("gateway.wsgi_adapter.CLIENT_TIMEOUT", 0.1)
    parts = Parts(b"x" * CHUNK_SIZE for _ in range(1000))

    class Stuck(Caller):
        async def _send(self, message):
            await asyncio.sleep(60)

    with pytest.raises(ClientDisconnected):
        Stuck().ask(answering(parts))

    assert parts.is_closed


def test_an_answer_that_is_given_up_ends_in_its_thread_too():
    parts = Parts(b"x" * CHUNK_SIZE for _ in range(1000))

    async def give_up():
        caller = Caller()
        asked = asyncio.ensure_future(caller._ask(WsgiThreadPool(answering(parts), 1)))
        while not caller.messages:
            await asyncio.sleep(0.001)
        asked.cancel()
        await asyncio.wait({asked})
        for _ in range(100):
            if parts.is_closed:
                return
            await asyncio.sleep(0.01)

    run(give_up())

    assert parts.is_closed
    assert parts.drain < 1000


def test_an_application_that_fails_before_its_head_sends_nothing():
    def application(environ, start_response):
        raise ZeroDivisionError

    caller = Caller()

    with pytest.raises(ZeroDivisionError):
        caller.ask(application)

    assert caller.messages == []


def failing_after(parts):
    yield from parts
    raise ZeroDivisionError


def test_a_short_answer_that_fails_midway_sends_nothing_so_it_can_become_a_500():
    parts = Parts(failing_after([b"one"]))
    caller = Caller()

    with pytest.raises(ZeroDivisionError):
        caller.ask(answering(parts))

    assert caller.messages == []
    assert parts.is_closed


def test_a_long_answer_that_fails_midway_is_broken_off_and_not_ended():
    parts = Parts(failing_after([b"x" * CHUNK_SIZE] * 4))
    caller = Caller()

    with pytest.raises(ZeroDivisionError):
        caller.ask(answering(parts))

    assert caller.status == 200
    assert all(message["more_body"] for message in caller.messages[1:])
    assert parts.is_closed


def test_one_who_begins_anew_after_a_failure_may_as_long_as_nothing_was_sent():
    def application(environ, start_response):
        start_response(OK, TEXT)
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as error:
            start_response("500 Oops", TEXT, (ZeroDivisionError, error, error.__traceback__))
        return [b"sorry"]

    answer = Caller().ask(application)

    assert (answer.status, answer.parts) == (500, [b"sorry"])


def test_what_is_written_and_what_is_returned_are_one_body():
    def application(environ, start_response):
        write = start_response(OK, TEXT)
        write(b"written, ")
        return [b"returned"]

    assert Caller().ask(application).parts == [b"written, returned"]


def test_a_head_that_comes_with_the_first_part_is_in_time():
    def application(environ, start_response):
        start_response(OK, TEXT)
        yield b"late"

    assert Caller().ask(application).parts == [b"late"]


def test_an_answer_without_a_head_is_a_failure():
    with pytest.raises(RuntimeError, match="start_response"):
        Caller().ask(lambda environ, start_response: [b"body"])


@pytest.mark.parametrize(("method", "status"), [("HEAD", OK), ("GET", "204 No Content"), ("GET", "304 Not Modified")])
def test_what_has_no_body_by_definition_gets_none_and_keeps_its_headers(method, status):
    parts = Parts(b"x" * CHUNK_SIZE for _ in range(1000))

    answer = Caller(method).ask(answering(parts, status, [("Content-Length", "131072000"), ("ETag", '"1"')]))

    assert answer.messages[1:] == [{"type": "http.response.body", "body": b"", "more_body": False}]
    assert answer.headers == [(b"content-length", b"131072000"), (b"etag", b'"1"')]
    assert parts.drain <= 1
    assert parts.is_closed


def test_each_cookie_is_a_header_of_its_own():
    cookies = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("Set-Cookie", "b=3")]

    answer = Caller().ask(answering([b""], OK, cookies))

    assert answer.headers == [(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2"), (b"set-cookie", b"b=3")]


def test_the_context_of_the_caller_goes_along_and_nothing_comes_back():
    def application(environ, start_response):
        seen.append(word.get())
        word.set("from the thread")
        start_response(OK, TEXT)
        return [b""]

    seen = []

    async def ask_twice():
        threads = WsgiThreadPool(application, 1)
        caller = Caller()
        word.set("from the loop")
        await caller._ask(threads)
        return word.get()

    assert run(ask_twice()) == "from the loop"
    assert seen == ["from the loop"]


def test_the_environment_says_what_was_asked():
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
def test_a_path_reaches_the_application_as_the_bytes_of_utf8(path):
    assert environ_of(path=path)["PATH_INFO"].encode("latin-1").decode() == path


def test_behind_a_prefix_the_path_is_what_follows_it():
    environ = environ_of(path="/app/tasks/", root_path="/app")

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/app", "/tasks/")


@pytest.mark.parametrize(("scheme", "port"), [("http", "80"), ("https", "443")])
@pytest.mark.parametrize("server", [None, ("/run/node.sock", None)])
def test_a_unix_socket_has_the_port_of_its_scheme_and_a_caller_without_address(server, scheme, port):
    environ = environ_of(server=server, scheme=scheme, client=None)

    assert (environ["wsgi.url_scheme"], environ["SERVER_PORT"]) == (scheme, port)
    assert "REMOTE_ADDR" not in environ


def test_headers_that_come_several_times_are_joined_as_their_kind_wants():
    headers = [(b"accept", b"a"), (b"cookie", b"x=1"), (b"accept", b"b"), (b"cookie", b"y=2")]

    environ = environ_of(headers=headers)

    assert (environ["HTTP_ACCEPT"], environ["HTTP_COOKIE"]) == ("a,b", "x=1; y=2")


def test_an_underscore_passes_for_no_hyphen():
    headers = [(b"x_forwarded_for", b"192.0.2.66"), (b"content_length", b"0"), (b"x-forwarded-proto", b"https")]

    environ = environ_of(headers=headers)

    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert environ["HTTP_X_FORWARDED_PROTO"] == "https"
    assert environ["CONTENT_LENGTH"] == "0"
