"""The way to a provider, who answers within `settings.OIDC_SECONDS` or is told to be unreachable."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from accounts.oidc.refusals import Refused, Unreachable
from core import outbound

MOST_BYTES = 256 * 1024
A = TypeVar("A")


class Outbound(outbound.Outbound):
    def __init__(self) -> None:
        super().__init__(lambda: settings.OIDC_SECONDS)

    def hold(self, conversation: Callable[[float], A], hang_up: Callable[[], Any] = outbound.nothing) -> A:
        """Return what the conversation, told the instant of its end, returns; raises Unreachable, and what it raises."""
        try:
            return super().hold(conversation, hang_up)
        except outbound.Unanswered as error:
            raise Unreachable(error.reason) from None


def ask(url: str, end: float, *, form: dict[str, str] | None = None, authorization: str = "") -> dict[str, Any]:
    """GET the JSON object at `url`, or POST the form; raises Unreachable, and Refused for any other kind of answer."""
    left = end - time.monotonic()
    if left <= 0:
        raise Unreachable("timeout")
    headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
    try:
        with requests.Session() as session, _sent(session, url, form, headers, left) as answer:
            body, status = _body(answer, end), answer.status_code
    except (requests.RequestException, HTTPError) as error:
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
    """What has come is looked at each time: a piece of a size that was asked for may take until long after the end."""
    body = b""
    while piece := answer.raw.read1(16 * 1024, decode_content=True):
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
