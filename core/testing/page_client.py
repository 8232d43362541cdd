"""A signed-in client for pages, the headers of htmx, and the text of a page."""

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
    """Return a browser in which the user has been signed in for a while."""
    client = Client()
    log_in(client, user)
    return client


def log_in(client: Client, user: Any) -> None:
    """Sign a browser in: the session of the cookie and its row, as accounts.auth.sessions.middleware leaves them."""
    client.force_login(user)
    row = apps.get_model("accounts.Session").objects.create(
        user=user, kind="browser", expires_at=timezone.now() + timedelta(days=7)
    )
    session = client.session
    session["_session_id"] = str(row.pk)
    session.cycle_key()  # a new key, so that no cache can hold an older state of this session
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)


def htmx_headers(target: str) -> dict[str, str]:
    """Return the headers of an htmx request that replaces the element `tag#id`."""
    return {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": target}


def is_full_page(response: HttpResponse) -> bool:
    return response.content.lstrip().startswith(b"<!doctype html>")


def visible_text(response: HttpResponse) -> str:
    """Return the text of a page as a reader sees it, on one line."""
    # Enough for our own templates, and without a parser's opinions about broken HTML.
    body = re.sub(r"(?s)<(head|script|template).*?</\1>", "", response.content.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))
