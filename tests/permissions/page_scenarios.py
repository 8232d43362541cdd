"""Everybody who could open a page, with what proves who they are, and everywhere the thing on it could be."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from allauth.socialaccount.models import SocialAccount
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.models import User
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import token_of
from accounts.tests.images import photo
from accounts.tests.mfa import with_totp
from core.testing.cache import reset_redis
from core.testing.database_state import row_write_count, table_digests
from core.testing.page_client import logged_in_client
from notifications.email.dev_mailbox import DevMailboxBackend
from tests.api_operations import Operation
from tests.passkeys import add_passkey
from tests.permissions.api_scenarios import TODOIST_CSV, ApiScenarios
from tests.permissions.api_scenarios import request_kwargs as sent_to_api
from tests.permissions.page_forms import FORM_DATA, QUERY_PARAMS
from tests.sample_data import SampleValues

UPLOAD_FILES: dict[str, Callable[[], SimpleUploadedFile]] = {
    "picture": lambda: SimpleUploadedFile("me.jpg", photo()),
    "export": lambda: SimpleUploadedFile("todoist.csv", TODOIST_CSV.encode()),
}
PLACEHOLDER = re.compile(r"{([\w:]+)}")
# What these names mean depends on where the path begins.
PREFIXED_NAMES = {"key": "ref", "user_id": "user", "team_id": "team"}
PREFIX_ALIASES = {"people": "directory", "avatars": "users"}
CSRF_TOKEN_PATTERN = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]+')
PER_REQUEST_HEADERS = {"X-Request-ID", "Server-Timing", "Content-Length"}


class Outcome(NamedTuple):
    answer: HttpResponse
    names: dict[str, str]
    changes: set[str]

    @property
    def redirect_or_status(self) -> str:
        """Where it leads, or the status."""
        return unquote(self.answer.get("Location", str(self.answer.status_code)))

    def normalized_response(self) -> tuple[Any, ...]:
        """The whole answer, but for what names this one request, the thing that was asked for, and a form's masked token."""
        answer = self.answer
        headers = {
            name: self._plain(text.encode()) for name, text in answer.headers.items() if name not in PER_REQUEST_HEADERS
        }
        cookies = {name: self._plain(one.value.encode()) for name, one in answer.cookies.items() if name != "csrftoken"}
        return answer.status_code, headers, cookies, self._plain(CSRF_TOKEN_PATTERN.sub(rb"\1", answer.content))

    def _plain(self, text: bytes) -> bytes:
        names = self.names | {self.answer["X-Request-ID"]: "REQUEST"}
        for value in sorted(names, key=len, reverse=True):
            text = text.replace(value.encode(), names[value].encode())
        return text


class PageScenarios:
    """Each request is sent once for each place and person, and taken back."""

    def __init__(self) -> None:
        self.api_scenarios = ApiScenarios()
        people = self.api_scenarios.people
        self.share_clients = {
            name: recently_reauthenticated(user) for name, user in self.api_scenarios.share_users.items()
        }
        self.browsers = {
            name: recently_reauthenticated(user) for name, user in people.items() if name not in {"gone", "service"}
        }
        self.browsers |= {
            "anonymous": Client(),
            "gone": logged_in_client(people["gone"]),
            **{f"tired {name}": logged_in_client(people[name]) for name in ("alice", "bob", "carol", "admin")},
            "key": Client(headers={"Authorization": f"Api-Key {create_api_key(people['alice']).text}"}),
            "bearer": Client(headers={"Authorization": f"Bearer {token_of(people['admin'])}"}),
        }
        self.scenarios = {
            scenario: {**request_builder.sample_values, **COMMON_VALUES}
            for scenario, request_builder in self.api_scenarios.scenarios.items()
        }
        self.scenarios["own"] |= create_page_only_data(people["alice"])
        self.scenarios["foreign"] |= create_page_only_data(people["dave"])
        DevMailboxBackend().send_messages([EmailMessage("A letter", "", to=[], headers={"Message-ID": "<letter>"})])
        self.outcomes: dict[tuple[str, str, str], Outcome] = {}
        self.initial_fingerprint = table_digests()

    def ask(self, name: str, scenario: str, actor: str) -> Outcome:
        asked = (name, scenario, actor)
        if asked not in self.outcomes:
            browsers = self.browsers | self.share_clients if scenario == "shared" else self.browsers
            self.outcomes[asked] = self._ask(name, self.scenarios[scenario], browsers[actor])
        return self.outcomes[asked]

    def request_api_by_cookie(self, operation: Operation, actor: str) -> Outcome:
        """What the API answers to a browser of somebody who is signed in."""
        request_builder = self.api_scenarios.scenarios["own"]
        query = request_builder.query(operation)
        address = f"{request_builder.url(operation)}?{query}" if query else request_builder.url(operation)
        words = sent_to_api(request_builder, operation)
        return self._rolled_back(
            self.browsers[actor], lambda browser: browser.generic(operation.method, address, **words)
        )

    def _ask(self, name: str, sample_values: SampleValues, browser: Client) -> Outcome:
        (method, path), address = name.split(" "), build_path(name, sample_values)
        if method == "POST":
            return self._rolled_back(
                browser,
                lambda one: one.post(address, form_data(path, sample_values)),
                identifying_values(name, sample_values),
            )
        return self._rolled_back(
            browser, lambda one: one.generic(method, address), identifying_values(name, sample_values)
        )

    def _rolled_back(
        self, browser: Client, send: Callable[[Client], Any], names: dict[str, str] | None = None
    ) -> Outcome:
        reset_redis()  # the eleventh of those who ask may not have spent the limit of the first
        cookies, before = deepcopy(browser.cookies), row_write_count()
        with transaction.atomic():
            answer = send(browser)
            changes = self._changed() if row_write_count() != before else set()
            transaction.set_rollback(True)
        browser.cookies = cookies
        return Outcome(answer, names or {}, changes)

    def _changed(self) -> set[str]:
        """The tables with another row than before; the session of one's own cookie says nothing about anybody."""
        return {table for table, digest in table_digests().items() if digest != self.initial_fingerprint[table]} - {
            "django_session"
        }


def recently_reauthenticated(user: User) -> Client:
    """A browser in which this person has just shown once more who they are."""
    browser = logged_in_client(user)
    assert browser.post("/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return browser


def build_path(name: str, sample_values: SampleValues) -> str:
    method, path = name.split(" ")
    address = "/" + fill_placeholders(path, path, sample_values)
    query = {key: fill_placeholders(path, value, sample_values) for key, value in QUERY_PARAMS.get(path, {}).items()}
    return f"{address}?{urlencode(query)}" if query and method == "GET" else address


def form_data(path: str, sample_values: SampleValues) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in FORM_DATA.get(path, {}).items():
        plain = fill_placeholders(path, value, sample_values) if isinstance(value, str) else value
        found[name] = UPLOAD_FILES[plain]() if name == "file" and isinstance(plain, str) else plain
    return found


def fill_placeholders(path: str, text: str, sample_values: SampleValues) -> str:
    return PLACEHOLDER.sub(lambda found: sample_values[resolve_placeholder(path, found[1])], text)


def resolve_placeholder(path: str, hole: str) -> str:
    family = path.partition("/")[0]
    return f"{PREFIXED_NAMES[hole]}:{PREFIX_ALIASES.get(family, family)}" if hole in PREFIXED_NAMES else hole


def placeholders(name: str) -> set[str]:
    """The names of all things that a request says, in its path, its query or its form."""
    method, path = name.split(" ")
    words = QUERY_PARAMS.get(path, {}) if method == "GET" else FORM_DATA.get(path, {})
    return {
        resolve_placeholder(path, hole)
        for text in (path, *map(str, words.values()))
        for hole in PLACEHOLDER.findall(text)
    }


def identifying_values(name: str, sample_values: SampleValues) -> dict[str, str]:
    """What is said of the thing, and what stands for it where two answers are compared; a number alone says nothing."""
    said = {sample_values[hole]: hole for hole in placeholders(name) if not sample_values[hole].isdigit()}
    address = build_path(name, sample_values)
    return said | {address: "PATH", quote(address, safe=""): "PATH"}


# What every place has by the same name.
COMMON_VALUES = {
    "digest": "0123456789abcdef",
    "size": "48",
    "provider_id": "nowhere",
    "name": "letter",
    "identity_id": "999999999",
    "pk": "999999999",
    "verification": "nothing",
    "reset": "nothing",
    "revert-login-method": "nothing",
}


def create_page_only_data(owner: User) -> SampleValues:
    """What only pages act on: an app and a passkey, an identity at a provider, and the links of two mails."""
    with_totp(owner)
    address = EmailAddress.objects.create(user=owner, email=owner.email, primary=True)
    identity = SocialAccount.objects.create(user=owner, provider="example", uid=owner.handle)
    passkey = add_passkey(owner)
    link = login_methods_selectors.revert_link_for_mfa_method(owner, "webauthn_added") or ""
    return {
        "revert-login-method": unquote(link.partition("=")[2]),
        "identity_id": str(identity.pk),
        "pk": str(passkey.pk),
        "verification": EmailConfirmationHMAC(address).key,
        "reset": f"{user_pk_to_url_str(owner)}-{default_token_generator.make_token(owner)}",
    }
