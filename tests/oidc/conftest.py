"""Fixtures: a provider in its own process, and a test client that goes there and comes back."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponse
from django.test import Client

from accounts.auth.oidc.provider import get_issuer
from accounts.models import Session, User
from accounts.tests.factories import UserFactory, with_email_address
from drills.processes import ROOT
from events.models import Event
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET

START_PATH = "/login/with/example/"


class Idp:
    """Client of the provider's process."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.host = urlsplit(issuer).netloc

    def request(self, method: str, url: str, body: str = "") -> tuple[int, dict[str, str], str]:
        """Return status, headers and body."""
        connection = http.client.HTTPConnection(self.host, timeout=10)
        connection.request(method, url, body)
        response = connection.getresponse()
        result = response.status, dict(response.getheaders()), response.read().decode()
        connection.close()
        return result

    def script(self, **faults: Any) -> None:
        """Replace the provider's faults. Without any it is honest."""
        self.request("PUT", "/script", json.dumps(faults))

    def seen(self, suffix: str) -> list[dict[str, Any]]:
        """Return the requests so far whose path ends with the suffix."""
        requests = json.loads(self.request("GET", "/seen")[2])["seen"]
        return [request for request in requests if request["path"].endswith(suffix)]

    def settings(self, **changes: Any) -> list[dict[str, Any]]:
        provider = {"provider_id": "example", "name": "Example ID", "issuer": self.issuer}
        trust = {"trusts_email": False, "trusted_audiences": []}
        return [provider | {"client_id": CLIENT_ID, "secret": CLIENT_SECRET} | trust | changes]


class Browser(Client):
    def start_login(self, **form: str) -> HttpResponse:
        """Press the button on the sign-in page."""
        return self.post(START_PATH, form)

    def authorize(self, idp: Idp, page: HttpResponse) -> str:
        """Follow the redirect page to the provider, and return the URL it redirects back to."""
        url = urlsplit(page.context["address"])
        status, headers, _ = idp.request("GET", f"{url.path}?{url.query}")
        assert status == 302
        return headers["Location"]

    def return_to_callback(self, callback_url: str, **changes: str) -> HttpResponse:
        """Open the callback. `changes` replaces query parameters; an empty one is removed."""
        url = urlsplit(callback_url)
        query = {name: value for name, value in {**dict(parse_qsl(url.query)), **changes}.items() if value}
        return self.get(f"{url.path}?{urlencode(query)}")

    def sign_in(self, idp: Idp, **form: str) -> HttpResponse:
        """Sign in completely. Returns the first page that doesn't redirect to the provider."""
        page = self.start_login(**form)
        if page.status_code != 200 or "address" not in (page.context or {}):
            return page
        return self.return_to_callback(self.authorize(idp, page))

    @property
    def user(self) -> str | None:
        return self.session.get("_auth_user_id")


class DatabaseState:
    """Everything that a sign-in could change."""

    def state(self) -> dict[str, Any]:
        return {
            "users": list(User.objects.order_by("pk").values()),
            "identities": list(SocialAccount.objects.order_by("pk").values()),
            "addresses": list(EmailAddress.objects.order_by("pk").values()),
            "sessions": Session.objects.count(),
            "events": Event.objects.exclude(name="identity.rejected").count(),
        }


@pytest.fixture(scope="session")
def provider_process() -> Iterator[str]:
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.oidc.provider"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    yield running.stdout.readline().strip()
    running.kill()
    running.wait()
    running.stdout.close()


@pytest.fixture
def idp(provider_process, settings) -> Idp:
    provider = Idp(provider_process)
    provider.script()
    settings.OIDC_PROVIDERS = provider.settings()
    get_issuer.cache_clear()
    return provider


@pytest.fixture
def oidc_browser(db) -> Browser:
    return Browser()


@pytest.fixture
def database_state(db) -> DatabaseState:
    return DatabaseState()


@pytest.fixture
def ada(db) -> User:
    """Return the provider's user, registered here too, with a verified address."""
    return with_email_address(UserFactory(handle="ada", name="Ada Lovelace"), verified=True)


def link_account(user: User, subject: str = "248289761001") -> SocialAccount:
    return SocialAccount.objects.create(user=user, provider="example", uid=subject, extra_data={})
