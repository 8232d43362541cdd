"""A browser without a screen: a signed-in client for pages, and the headers htmx sends."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone


def logged_in_client(user: Any) -> Client:
    """A browser in which this person has been signed in for a while."""
    client = Client()
    log_in(client, user)
    return client


def log_in(client: Client, user: Any) -> None:
    """Sign this browser in: the cookie's session and the row that it names, as accounts.auth.sessions.middleware leaves them."""
    client.force_login(user, backend="accounts.auth.backends.EmailBackend")
    row = apps.get_model("accounts.Session").objects.create(
        user=user, kind="browser", expires_at=timezone.now() + timedelta(days=7)
    )
    cookies = client.session
    cookies["_session_id"] = str(row.pk)
    cookies.cycle_key()  # written once as a whole: a cache that misses a write has nothing older to answer with
    client.cookies[settings.SESSION_COOKIE_NAME] = str(cookies.session_key)


def htmx_headers(target: str) -> dict[str, str]:
    """The headers of a request that wants to replace the element `tag#id`."""
    return {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": target}


def is_full_page(response: HttpResponse) -> bool:
    return response.content.lstrip().startswith(b"<!doctype html>")


def visible_text(response: HttpResponse) -> str:
    """The text of a page as a person reads it, on one line."""
    body = re.sub(r"(?s)<(head|script|template).*?</\1>", "", response.content.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))
