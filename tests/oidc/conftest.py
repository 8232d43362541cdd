"""A provider in a process of its own, and a browser without a screen that goes there and comes back."""

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

from accounts.auth.oidc.issuer import get_issuer
from accounts.models import Session, User
from accounts.tests.factories import UserFactory, with_email_address
from drills.processes import ROOT
from events.models import Event
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET

START_PATH = "/login/with/example/"


class Idp:
    """The provider, as tests speak to it."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.host = urlsplit(issuer).netloc

    def ask(self, method: str, address: str, body: str = "") -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection(self.host, timeout=10)
        connection.request(method, address, body)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read().decode()
        connection.close()
        return found

    def script(self, **what: Any) -> None:
        """Say what it shall do wrong from now on; nothing makes it honest again."""
        self.ask("PUT", "/script", json.dumps(what))

    def seen(self, name: str) -> list[dict[str, Any]]:
        found = json.loads(self.ask("GET", "/seen")[2])["seen"]
        return [one for one in found if one["path"].endswith(name)]

    def settings(self, **changes: Any) -> list[dict[str, Any]]:
        provider = {"provider_id": "example", "name": "Example ID", "issuer": self.issuer}
        return [provider | {"client_id": CLIENT_ID, "secret": CLIENT_SECRET} | changes]


class Browser(Client):
    def start_login(self, **form: str) -> HttpResponse:
        """Press the button on the sign-in page."""
        return self.post(START_PATH, form)

    def authorize(self, idp: Idp, away: HttpResponse) -> str:
        """Follow the page to the provider, and return where that sends us back to."""
        url = urlsplit(away.context["address"])
        status, headers, _ = idp.ask("GET", f"{url.path}?{url.query}")
        assert status == 302
        return headers["Location"]

    def return_to_callback(self, address: str, **changed: str) -> HttpResponse:
        url = urlsplit(address)
        query = {name: value for name, value in {**dict(parse_qsl(url.query)), **changed}.items() if value}
        return self.get(f"{url.path}?{urlencode(query)}")

    def sign_in(self, idp: Idp, **form: str) -> HttpResponse:
        """All of it; stops where the provider does not let us leave."""
        away = self.start_login(**form)
        if away.status_code != 200 or "address" not in (away.context or {}):
            return away
        return self.return_to_callback(self.authorize(idp, away))

    @property
    def user(self) -> str | None:
        return self.session.get("_auth_user_id")


class DatabaseState:
    """Everything that a sign-in could bring about."""

    def state(self) -> dict[str, Any]:
        return {
            "people": list(User.objects.order_by("pk").values()),
            "identities": list(SocialAccount.objects.order_by("pk").values()),
            "addresses": list(EmailAddress.objects.order_by("pk").values()),
            "sessions": Session.objects.count(),
            "facts": Event.objects.exclude(name="identity.rejected").count(),
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
    """The person of the provider, registered here too, with an address that is known to be hers."""
    return with_email_address(UserFactory(handle="ada", name="Ada Lovelace"), verified=True)


def link_account(user: User, subject: str = "248289761001") -> SocialAccount:
    return SocialAccount.objects.create(user=user, provider="example", uid=subject, extra_data={})
