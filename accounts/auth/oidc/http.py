"""The way to a provider, who answers within `settings.OIDC_TIMEOUT` or is told to be unreachable."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from accounts.auth.oidc.errors import OidcError, ProviderUnavailable
from core import deadline_executor

MAX_RESPONSE_BYTES = 256 * 1024
A = TypeVar("A")


class ProviderExecutor(deadline_executor.DeadlineExecutor):
    def __init__(self) -> None:
        super().__init__(lambda: settings.OIDC_TIMEOUT)

    def run(self, conversation: Callable[[float], A], cancel: Callable[[], Any] = deadline_executor.no_op) -> A:
        """Return what the conversation, told the instant of its end, returns; raises Unreachable, and what it raises."""
        try:
            return super().run(conversation, cancel)
        except deadline_executor.NoResponse as error:
            raise ProviderUnavailable(error.reason) from None


def fetch_json(url: str, end: float, *, form: dict[str, str] | None = None, authorization: str = "") -> dict[str, Any]:
    """GET the JSON object at `url`, or POST the form; raises Unreachable, and Refused for any other kind of answer."""
    left = end - time.monotonic()
    if left <= 0:
        raise ProviderUnavailable("timeout")
    headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
    try:
        with requests.Session() as session, _send(session, url, form, headers, left) as answer:
            body, status = _read_body(answer, end), answer.status_code
    except (requests.RequestException, HTTPError) as error:
        raise ProviderUnavailable(type(error).__name__) from error
    if status != 200:
        raise ProviderUnavailable("failed") if status >= 500 else OidcError(f"status_{status}")
    return _parse_object(body)


def _send(
    session: requests.Session, url: str, form: dict[str, str] | None, headers: dict[str, str], seconds: float
) -> requests.Response:
    """A redirect is not followed: it would lead our secret, or the code, elsewhere."""
    return session.request(
        "GET" if form is None else "POST",
        url,
        data=form,
        headers=headers,
        auth=_no_auth,
        timeout=seconds,
        allow_redirects=False,
        stream=True,
    )


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without this, requests would look for a password in ~/.netrc."""
    return request


def _read_body(answer: requests.Response, end: float) -> bytes:
    """What has come is looked at each time: a piece of a size that was asked for may take until long after the end."""
    body = b""
    while piece := answer.raw.read1(16 * 1024, decode_content=True):
        body += piece
        if len(body) > MAX_RESPONSE_BYTES:
            raise OidcError("too_long")
        if time.monotonic() > end:
            raise ProviderUnavailable("timeout")
    return body


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except ValueError as error:
        raise OidcError("not_json") from error
    if not isinstance(found, dict):
        raise OidcError("not_an_object")
    return found
