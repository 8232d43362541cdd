"""The browsers that open pages and the places where an object can be: the two sides of the page permission matrix."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import Client

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.one_time_tokens import make_reset_key, make_verification_key
from accounts.models import User
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import token_of
from accounts.tests.images import photo
from accounts.tests.mfa import with_totp
from core.testing.cache import reset_redis
from core.testing.database_state import RollbackProbe
from core.testing.page_client import logged_in_client
from notifications.email.dev_mailbox import DevMailboxBackend
from notifications.tests.factories import make_email
from tests.api_operations import Operation
from tests.passkeys import add_passkey
from tests.permissions.api_scenarios import TODOIST_CSV, ApiScenarios, request_kwargs
from tests.permissions.page_forms import FORM_DATA, QUERY_PARAMS
from tests.sample_data import SampleValues

UPLOAD_FILES: dict[str, Callable[[], SimpleUploadedFile]] = {
    "picture": lambda: SimpleUploadedFile("me.jpg", photo()),
    "export": lambda: SimpleUploadedFile("todoist.csv", TODOIST_CSV.encode()),
}
PLACEHOLDER = re.compile(r"{([\w:]+)}")
# The meaning of these placeholders depends on the first part of the path.
PREFIXED_NAMES = {"key": "ref", "user_id": "user", "team_id": "team", "field_id": "field"}
PREFIX_ALIASES = {"people": "directory", "avatars": "users"}
# The fields of a form that have another value in each response.
RANDOM_FIELD_PATTERN = re.compile(rb'(name="(?:csrfmiddlewaretoken|idempotency_key)" value=")[^"]+')
# The time and the signature of a cookie with messages: TimestampSigner signs again each second.
SIGNATURE_PATTERN = re.compile(rb":[\w-]{6}:[\w-]{43}$")
PER_REQUEST_HEADERS = {"X-Request-ID", "Server-Timing", "Content-Length"}


class Outcome(NamedTuple):
    response: HttpResponse
    sample_names: dict[str, str]
    changed: set[str]

    @property
    def redirect_or_status(self) -> str:
        return unquote(self.response.get("Location", str(self.response.status_code)))

    def comparable(self) -> tuple[Any, ...]:
        """Return the response without what names the request, its object, second and random fields."""
        response = self.response
        headers = {
            name: self._normalize(text.encode())
            for name, text in response.headers.items()
            if name not in PER_REQUEST_HEADERS
        }
        cookies = {
            name: self._normalize(SIGNATURE_PATTERN.sub(b"", cookie.value.encode()))
            for name, cookie in response.cookies.items()
            if name != "csrftoken"
        }
        content = self._normalize(RANDOM_FIELD_PATTERN.sub(rb"\1", response.content))
        return response.status_code, headers, cookies, content

    def _normalize(self, text: bytes) -> bytes:
        names = self.sample_names | {self.response["X-Request-ID"]: "REQUEST"}
        for value in sorted(names, key=len, reverse=True):
            text = text.replace(value.encode(), names[value].encode())
        return text


class PageScenarios:
    """Browsers of all actors, and the sample values of each scenario.

    A request is sent once for each scenario and actor, and rolled back. The actors `stale alice`, `stale bob` ... have no
    recent login.
    """

    def __init__(self) -> None:
        self.api_scenarios = ApiScenarios()
        users = self.api_scenarios.users
        self.share_browsers = {
            name: recently_logged_in_client(user) for name, user in self.api_scenarios.share_users.items()
        }
        self.browsers = {
            name: recently_logged_in_client(user) for name, user in users.items() if name not in {"gone", "service"}
        }
        self.browsers |= {
            "anonymous": Client(),
            "gone": logged_in_client(users["gone"]),
            **{f"stale {name}": logged_in_client(users[name]) for name in ("alice", "bob", "carol", "admin")},
            "key": Client(headers={"Authorization": f"Api-Key {create_api_key(users['alice']).text}"}),
            "bearer": Client(headers={"Authorization": f"Bearer {token_of(users['admin'])}"}),
        }
        self.scenarios = {
            scenario: {**request_builder.sample_values, **COMMON_VALUES}
            for scenario, request_builder in self.api_scenarios.scenarios.items()
        }
        self.scenarios["own"] |= create_page_only_data(users["alice"])
        self.scenarios["foreign"] |= create_page_only_data(users["dave"])
        message = EmailMessage("An email", "", to=[], headers={"Message-ID": f"<{COMMON_VALUES['name']}>"})
        DevMailboxBackend().send_messages([message])
        self.outcomes: dict[tuple[str, str, str], Outcome] = {}
        self.probe = RollbackProbe()

    def send(self, name: str, scenario: str, actor: str) -> Outcome:
        key = (name, scenario, actor)
        if key not in self.outcomes:
            browsers = self.browsers | self.share_browsers if scenario == "shared" else self.browsers
            self.outcomes[key] = self._send(name, self.scenarios[scenario], browsers[actor])
        return self.outcomes[key]

    def request_api_by_cookie(self, operation: Operation, actor: str) -> Outcome:
        """Send an API request from a signed-in browser."""
        request_builder = self.api_scenarios.scenarios["own"]
        path, query = request_builder.url(operation), request_builder.query(operation)
        kwargs = request_kwargs(request_builder, operation)
        return self._rolled_back(
            self.browsers[actor],
            lambda browser: browser.generic(operation.method, f"{path}?{query}" if query else path, **kwargs),
        )

    def _send(self, name: str, sample_values: SampleValues, browser: Client) -> Outcome:
        (method, path), address = name.split(" "), build_path(name, sample_values)

        def send(browser: Client) -> Any:
            if method == "POST":
                return browser.post(address, form_data(path, sample_values))
            return browser.generic(method, address)

        return self._rolled_back(browser, send, identifying_values(name, sample_values))

    def _rolled_back(
        self, browser: Client, send: Callable[[Client], Any], sample_names: dict[str, str] | None = None
    ) -> Outcome:
        reset_redis()  # the rate limit that one actor has used up must not meet the next
        cookies = deepcopy(browser.cookies)
        with self.probe.rollback() as changed:
            response = send(browser)
        browser.cookies = cookies
        return Outcome(response, sample_names or {}, changed)


def recently_logged_in_client(user: User) -> Client:
    browser = logged_in_client(user)
    assert browser.post("/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return browser


def build_path(name: str, sample_values: SampleValues) -> str:
    method, path = name.split(" ")
    address = "/" + fill_placeholders(path, path, sample_values)
    query = {key: fill_placeholders(path, value, sample_values) for key, value in QUERY_PARAMS.get(path, {}).items()}
    return f"{address}?{urlencode(query)}" if query and method == "GET" else address


def form_data(path: str, sample_values: SampleValues) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, value in FORM_DATA.get(path, {}).items():
        filled = fill_placeholders(path, value, sample_values) if isinstance(value, str) else value
        data[name] = UPLOAD_FILES[filled]() if name == "file" and isinstance(filled, str) else filled
    return data


def fill_placeholders(path: str, text: str, sample_values: SampleValues) -> str:
    return PLACEHOLDER.sub(lambda match: sample_values[resolve_placeholder(path, match[1])], text)


def resolve_placeholder(path: str, name: str) -> str:
    family = path.partition("/")[0]
    return f"{PREFIXED_NAMES[name]}:{PREFIX_ALIASES.get(family, family)}" if name in PREFIXED_NAMES else name


def placeholders(name: str) -> set[str]:
    """Return the names of all sample values in a request's path, query and form."""
    method, path = name.split(" ")
    params = QUERY_PARAMS.get(path, {}) if method == "GET" else FORM_DATA.get(path, {})
    return {
        resolve_placeholder(path, match)
        for text in (path, *map(str, params.values()))
        for match in PLACEHOLDER.findall(text)
    }


def identifying_values(name: str, sample_values: SampleValues) -> dict[str, str]:
    """Return {value: its name} for all that names the object, so that two responses can be compared without it.

    A number alone is left out: it would be replaced wherever it occurs by chance.
    """
    values = {sample_values[key]: key for key in placeholders(name) if not sample_values[key].isdigit()}
    address = build_path(name, sample_values)
    return values | {address: "PATH", quote(address, safe=""): "PATH"}


# The same in every scenario.
COMMON_VALUES = {
    "digest": "0123456789abcdef",
    "size": "48",
    "file_type": "csv",
    "provider_id": "unknown-provider",
    "name": "email",
    "identity_id": "999999999",
    "field": "status",
    "pk": "999999999",
    "verification": "invalid",
    "reset": "invalid",
    "revert_token": "invalid",
}


def create_page_only_data(owner: User) -> SampleValues:
    """Create what only pages act on: TOTP, a passkey, a linked identity, a failed email, and the links of two emails."""
    with_totp(owner)
    address = EmailAddress.objects.create(user=owner, email=owner.email, primary=True)
    identity = SocialAccount.objects.create(user=owner, provider="example", uid=owner.handle)
    passkey = add_passkey(owner)
    make_email(owner, state="dead")
    link = login_methods_selectors.revert_link_for_mfa_method(owner, "webauthn_added") or ""
    return {
        "revert_token": unquote(link.partition("=")[2]),
        "identity_id": str(identity.pk),
        "pk": str(passkey.pk),
        "verification": make_verification_key(address),
        "reset": make_reset_key(owner),
    }
