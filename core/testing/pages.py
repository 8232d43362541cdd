"""A browser without a screen: a signed-in client for pages, and the headers htmx sends."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.test import Client


def browser_of(person: Any) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.backends.EmailBackend")
    return client


def replacing(target: str) -> dict[str, str]:
    """The headers of a request that wants to replace the element `tag#id`."""
    return {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": target}


def is_whole(response: HttpResponse) -> bool:
    return response.content.lstrip().startswith(b"<!doctype html>")


def words(response: HttpResponse) -> str:
    """The text of a page as a person reads it, on one line."""
    body = re.sub(r"(?s)<(head|script|template).*?</\1>", "", response.content.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))
