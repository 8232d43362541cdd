"""The line to a provider: few conversations at once, each with an end, so that one that hangs holds no thread for long.

Invariant: a request waits at most `settings.OIDC_SECONDS`, and so many that QUICK_REQUESTS threads are left for others;
more of them, and all for QUIET after a conversation that took too long, are told so at once. A conversation has a thread of
its own, because neither the look-up of a name nor a header that comes byte by byte can be given up from within.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import BoundedSemaphore, Thread
from typing import Any, TypeVar

import orjson
import requests
from django.conf import settings

from accounts.oidc.refusals import Refused, Unreachable

QUIET, NEARLY = 10.0, 0.1
MOST_BYTES = 256 * 1024
A = TypeVar("A")


class Line:
    def __init__(self) -> None:
        self.lanes = BoundedSemaphore(max(1, settings.THREADS - settings.QUICK_REQUESTS))
        self.quiet_until = 0.0

    def hold(self, conversation: Callable[[float], A]) -> A:
        """Return what the conversation, told the instant of its end, returns; raises Unreachable, and what it raises."""
        if time.monotonic() < self.quiet_until:
            raise Unreachable("hung_lately")
        if not self.lanes.acquire(blocking=False):
            raise Unreachable("busy")
        end = time.monotonic() + settings.OIDC_SECONDS
        said: Future[A] = Future()
        Thread(target=self._talk, args=(conversation, end, said), daemon=True, name="oidc").start()
        try:
            return said.result(settings.OIDC_SECONDS)
        except TimeoutError:
            raise Unreachable("timeout") from None
        finally:
            if time.monotonic() > end - NEARLY:
                self.quiet_until = time.monotonic() + QUIET

    def _talk(self, conversation: Callable[[float], A], end: float, said: Future[A]) -> None:
        try:
            said.set_result(conversation(end))
        except BaseException as error:  # noqa: BLE001 -- it is raised where the result is waited for
            said.set_exception(error)
        finally:
            self.lanes.release()


def ask(url: str, end: float, *, form: dict[str, str] | None = None, authorization: str = "") -> dict[str, Any]:
    """GET the JSON object at `url`, or POST the form; raises Unreachable, and Refused for any other kind of answer."""
    left = end - time.monotonic()
    if left <= 0:
        raise Unreachable("timeout")
    headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
    try:
        with requests.Session() as session, _sent(session, url, form, headers, left) as answer:
            body, status = _body(answer, end), answer.status_code
    except requests.RequestException as error:
        raise Unreachable(type(error).__name__) from error
    if status != 200:
        raise Unreachable("failed") if status >= 500 else Refused(f"status_{status}")
    return _object(body)


def _sent(
    session: requests.Session, url: str, form: dict[str, str] | None, headers: dict[str, str], seconds: float
) -> requests.Response:
    """A redirect is not followed: it would lead our secret, or the code, elsewhere."""
    return session.request(
        "GET" if form is None else "POST",
        url,
        data=form,
        headers=headers,
        auth=_as_it_is,
        timeout=seconds,
        allow_redirects=False,
        stream=True,
    )


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without this, requests would look for a password in ~/.netrc."""
    return request


def _body(answer: requests.Response, end: float) -> bytes:
    body = b""
    for piece in answer.iter_content(16 * 1024):
        body += piece
        if len(body) > MOST_BYTES:
            raise Refused("too_long")
        if time.monotonic() > end:
            raise Unreachable("timeout")
    return body


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except ValueError as error:
        raise Refused("not_json") from error
    if not isinstance(found, dict):
        raise Refused("not_an_object")
    return found
