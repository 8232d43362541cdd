"""HTTP requests to a provider, with a deadline (`settings.OIDC_TIMEOUT`) and a size limit."""

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
CHUNK_BYTES = 16 * 1024
T = TypeVar("T")


class ProviderExecutor(deadline_executor.DeadlineExecutor):
    """Runs the requests to one provider within `settings.OIDC_TIMEOUT`."""

    def __init__(self) -> None:
        super().__init__(lambda: settings.OIDC_TIMEOUT)

    def run(self, call: Callable[[float], T], cancel: Callable[[], Any] = deadline_executor.no_op) -> T:
        """Return the result of `call(deadline)`. Raises ProviderUnavailable, and what the call raises."""
        try:
            return super().run(call, cancel)
        except deadline_executor.NoResponse as error:
            raise ProviderUnavailable(error.reason) from None


def fetch_json(
    url: str, deadline: float, *, form: dict[str, str] | None = None, authorization: str = ""
) -> dict[str, Any]:
    """Return the JSON object at `url`; a form is sent by POST. The deadline is on the monotonic clock.

    Raises ProviderUnavailable for an outage or a late response, and OidcError for any other response.
    """
    timeout = deadline - time.monotonic()
    if timeout <= 0:
        raise ProviderUnavailable("timeout")
    headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
    try:
        with (
            requests.Session() as session,
            session.request(
                "GET" if form is None else "POST",
                url,
                data=form,
                headers=headers,
                auth=_no_auth,
                timeout=timeout,
                allow_redirects=False,  # a redirect could take our secret, or the code, to another server
                stream=True,
            ) as response,
        ):
            body, status = _read_body(response, deadline), response.status_code
    except (requests.RequestException, HTTPError) as error:
        raise ProviderUnavailable(type(error).__name__) from error
    if status != 200:
        raise ProviderUnavailable("failed") if status >= 500 else OidcError(f"status_{status}")
    try:
        data = orjson.loads(body)
    except ValueError as error:
        raise OidcError("not_json") from error
    if not isinstance(data, dict):
        raise OidcError("not_an_object")
    return data


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no credentials. Without an `auth`, requests would look for a password in ~/.netrc."""
    return request


def _read_body(response: requests.Response, deadline: float) -> bytes:
    """Return the decompressed body. Raises OidcError if it is too long, ProviderUnavailable if it is late.

    `read1` returns after each packet, so a server that sends one byte at a time can't delay the check of the deadline.
    """
    body = b""
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise OidcError("too_long")
        if time.monotonic() > deadline:
            raise ProviderUnavailable("timeout")
    return body
