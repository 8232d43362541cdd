"""What pages need and the API does not: a program has no session cookie, no language, no form and no messages.

They took a fifth of an uncached list's time.
"""

from __future__ import annotations

from typing import Any

from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django_htmx.middleware import HtmxMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from gateway.problems import API_PREFIX

PAGES_OF_THE_API = ("/api/v1/docs/",)


class PagesOnly:
    """Goes before a middleware among a class's bases, and keeps it out of the API."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(API_PREFIX) and not request.path.startswith(PAGES_OF_THE_API):
            answer: HttpResponse = self.get_response(request)
            return answer
        return super().__call__(request)  # type: ignore[misc]  # the middleware's own


class Policy(PagesOnly, CSPMiddleware): ...


class StaticFiles(PagesOnly, WhiteNoiseMiddleware): ...


class Sessions(PagesOnly, SessionMiddleware): ...


class Languages(PagesOnly, LocaleMiddleware): ...


class Forms(PagesOnly, CsrfViewMiddleware): ...


class SignedIn(PagesOnly, AuthenticationMiddleware): ...


class Messages(PagesOnly, MessageMiddleware): ...


class Fragments(PagesOnly, HtmxMiddleware): ...
