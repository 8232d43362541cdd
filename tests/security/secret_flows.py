"""Secrets on their way: each flow that takes one or hands one out, over HTTP, as a program and as a browser."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import requests
from allauth.mfa.models import Authenticator

from accounts.models import User
from accounts.tests.mfa import code_at
from core.testing.smtp import SmtpSink
from drills.processes import wait_until
from tests.oidc.conftest import Idp
from tests.oidc.provider import CLIENT_SECRET

POLL_TIMEOUT = 30
CSRF_TOKEN_PATTERN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
SECRET_COOKIES = ("sessionid", "device", "csrftoken")


def new_secret(name: str) -> str:
    return f"{name} {secrets.token_hex(12)} Zq"


@dataclass
class SecretRecorder:
    """What went out, and what came back as a refusal."""

    url: str
    secrets: dict[str, str] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)

    def keep(self, name: str, value: str) -> str:
        assert len(value) >= 8, name
        self.secrets[name] = value
        return value

    def send(self, method: str, path: str, *statuses: int, client: Any = requests, **options: Any) -> requests.Response:
        answer = client.request(method, f"{self.url}{path}", timeout=POLL_TIMEOUT, allow_redirects=False, **options)
        assert answer.status_code in statuses, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        if answer.status_code >= 400:
            self.refusals.append(f"{answer.headers} {answer.text}")
        return answer

    def keep_tokens(self, made: dict[str, str], of: str) -> str:
        """Keep both; returns the access token."""
        self.keep(f"refresh token of {of}", made["refresh"])
        return self.keep(f"access token of {of}", made["access"])

    def api(self, path: str, *statuses: int, by: str = "", method: str = "POST", **body: Any) -> Any:
        headers = {"Authorization": by if " " in by else f"Bearer {by}"} if by else {}
        answer = self.send(method, f"/api/v1/{path}", *statuses, json=body or None, headers=headers)
        return answer.json() if answer.content else None


@dataclass
class FormBrowser:
    found: SecretRecorder
    client: requests.Session = field(default_factory=requests.Session)

    def form(self, path: str, *statuses: int, at: str = "", **words: str) -> requests.Response:
        """Open the page and send its form, as a person would."""
        return self.post(path, self.page(at or path), *statuses, **words)

    def page(self, path: str) -> str:
        return self.found.send("GET", path, 200, client=self.client).text

    def post(self, path: str, page: str, *statuses: int, **words: str) -> requests.Response:
        token = CSRF_TOKEN_PATTERN.search(page)
        assert token, page[:300]
        sent = {"csrfmiddlewaretoken": token[1], **words}
        headers = {"Referer": self.found.url}
        return self.found.send("POST", path, *statuses, client=self.client, data=sent, headers=headers)

    def keep_cookies(self, name: str) -> None:
        for cookie in SECRET_COOKIES:
            self.found.keep(f"{cookie} of {name}", self.client.cookies[cookie])


def get_email_link(sink: SmtpSink, to: str, path: str) -> str:
    """Wait for the mail to this address whose link leads to `path`; returns the secret that the link carries."""
    pattern = re.compile(rf"{re.escape(path)}\?\w+=([\w:.%-]+)")

    def links() -> list[str]:
        bodies = (one.get_body(("plain",)) for one in list(sink.messages) if one["To"] == to)
        return [found[1] for body in bodies if body for found in pattern.finditer(body.get_content())]

    wait_until(lambda: bool(links()), seconds=POLL_TIMEOUT, what=f"no mail to {to} with {path}")
    return unquote(links()[-1])


def tokens_and_passwords(found: SecretRecorder) -> str:
    """Registration, sign-ins right and wrong, refreshing, and the use of a replaced token. Returns an access token."""
    password = found.keep("password", new_secret("garden"))
    user = {"email": "ada@example.com", "name": "Ada"}
    made = found.api("auth/register/", 201, **user, password=password)
    found.keep("access token", made["access"])
    found.keep("refresh token", made["refresh"])
    found.api("auth/register/", 400, **user, password=password)
    found.api("auth/register/", 400, **user, password=found.keep("weak password", secrets.token_hex(4)), role="admin")
    found.api("auth/login/", 401, email="ada@example.com", password=found.keep("wrong password", new_secret("wrong")))
    typed = found.keep("password typed as an address", f"pw-{secrets.token_hex(12)}")
    found.api("auth/login/", 401, email=f"{typed}@example.com", password="whatever it was")
    broken = found.keep("password in a broken body", new_secret("broken"))
    found.send(
        "POST",
        "/api/v1/auth/login/",
        400,
        data=f'{{"password": "{broken}",',
        headers={"Content-Type": "application/json"},
    )
    astray = found.keep("password in an address", secrets.token_hex(16))
    found.send("GET", f"/login/?password={astray}", 200)
    found.send("GET", f"/api/v1/me/?access_token={astray}", 400, 401)
    found.api(
        "me/",
        401,
        by=found.keep("made-up token", f"{secrets.token_hex(12)}.{secrets.token_hex(12)}.x"),
        method="GET",
    )
    second = found.api("auth/login/", 200, email="ada@example.com", password=password)
    first = second["refresh"]
    for number in range(2):
        second = found.api("auth/refresh/", 200, refresh=second["refresh"])
        found.keep(f"refreshed access token {number}", second["access"])
        found.keep(f"refreshed refresh token {number}", second["refresh"])
    found.api("auth/refresh/", 401, refresh=found.keep("replaced refresh token", first))
    return str(made["access"])


def api_keys(found: SecretRecorder, access: str) -> None:
    wanted = {"name": "Program", "scopes": ["tasks:read"]}
    again = {"Authorization": f"Bearer {access}", "Idempotency-Key": secrets.token_hex(8)}
    found.api("auth/reauthenticate/", 400, 401, by=access, password=found.keep("wrong proof", new_secret("proof")))
    found.api("auth/reauthenticate/", 200, by=access, password=found.secrets["password"])
    made = found.send("POST", "/api/v1/api-keys/", 201, json=wanted, headers=again).json()
    key = found.keep("API key", made["key"])
    found.api("tasks/", 200, by=f"Api-Key {key}", method="GET")
    found.api("api-keys/", 401, 403, by=f"Api-Key {key}", name="More", scopes=["tasks:read"])
    rotated = found.api(f"api-keys/{made['id']}/rotate/", 201, by=access)["key"]
    found.keep("rotated API key", rotated)
    wrong = found.keep("wrong API key", key[:-8] + secrets.token_hex(4))
    found.api("tasks/", 401, by=f"Api-Key {wrong}", method="GET")


def browser_sessions(found: SecretRecorder, sink: SmtpSink) -> None:
    """The pages: sign-in, verification, another password, a lost one, the second factor, the way out."""
    browser = FormBrowser(found)
    browser.form(
        "/login/", 422, email="ada@example.com", password=found.keep("wrong password on a page", new_secret("page"))
    )
    browser.form("/login/", 302, email="ada@example.com", password=found.secrets["password"])
    browser.keep_cookies("a browser")
    verification = found.keep("verification link", get_email_link(sink, "ada@example.com", "/verify-email/"))
    browser.form("/verify-email/", 302, at=f"/verify-email/?{urlencode({'key': verification})}", key=verification)
    changed = found.keep("changed password", new_secret("changed"))
    page = "/settings/security/password/"
    wrong = {"oldpassword": found.keep("wrong present password", new_secret("present")), "password1": changed}
    browser.form(page, 200, 422, **wrong)
    browser.form(page, 302, oldpassword=found.secrets["password"], password1=changed)
    FormBrowser(found).form("/password/reset/", 302, email="ada@example.com")
    reset = found.keep("reset link", get_email_link(sink, "ada@example.com", "/password/reset/new/"))
    chosen = found.keep("password after a reset", new_secret("chosen"))
    another, page = FormBrowser(found), "/password/reset/new/"
    opened = f"{page}?{urlencode({'key': reset})}"
    another.form(page, 422, at=opened, key=reset, password1="short")
    found.refusals.pop()  # the form goes on with its key
    another.form(page, 302, at=opened, key=reset, password1=chosen)
    second_factor(found, sink, chosen)


def second_factor(found: SecretRecorder, sink: SmtpSink, password: str) -> None:
    browser = FormBrowser(found)
    browser.form("/login/", 302, email="ada@example.com", password=password)
    browser.keep_cookies("another browser")
    browser.form("/reauthenticate/", 302, password=password)
    page = browser.page("/settings/security/app/")
    secret = found.keep("secret of the app", re.search(r"\b([A-Z2-7]{32})\b", page)[1])  # type: ignore[index]
    browser.post("/settings/security/app/", page, 302, code=current_totp_code(secret))
    found.keep("link that undoes", get_email_link(sink, "ada@example.com", "/revert-login-method/"))
    user = User.objects.get(email="ada@example.com")
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    for number, code in enumerate(codes[:2]):
        found.keep(f"recovery code {number}", code)
    told = found.api("auth/login/", 401, email="ada@example.com", password=password)
    challenge = found.keep("challenge", told["challenge"])
    found.refusals.pop()  # this one is meant to hand the challenge out
    found.api("auth/mfa/", 401, challenge=challenge, code="00000000")
    made = found.api("auth/mfa/", 200, challenge=challenge, code=codes[0])
    found.keep("access token after a second factor", made["access"])
    found.keep("refresh token after a second factor", made["refresh"])
    headless_clients(found, password, codes[1])


def headless_clients(found: SecretRecorder, password: str, code: str) -> None:
    """allauth's API for programs, with its own token of the steps between."""
    door = "/_allauth/app/v1/auth"
    told = found.send("POST", f"{door}/login", 401, json={"email": "ada@example.com", "password": password}).json()
    found.refusals.pop()
    session = found.keep("session token of a program", told["meta"]["session_token"])
    headers = {"X-Session-Token": session}
    found.send("POST", f"{door}/2fa/authenticate", 400, json={"code": "00000000"}, headers=headers)
    done = found.send("POST", f"{door}/2fa/authenticate", 200, json={"code": code}, headers=headers).json()["meta"]
    for name in ("access_token", "refresh_token", "session_token"):
        if name in done:
            found.keep(f"{name} of a program", done[name])


def guests(found: SecretRecorder, sink: SmtpSink) -> None:
    """Somebody is invited, joins, is given another password by an administrator, leaves and comes back."""
    admin = found.keep("password of the administrator", new_secret("admin"))
    root = found.api("auth/register/", 201, email="root@example.com", name="Root", password=admin)
    User.objects.filter(email="root@example.com").update(role=User.Role.ADMIN)
    access = found.keep_tokens(root, "the administrator")
    found.api("invitations/", 201, by=access, email="guest@example.com")
    invitation = found.keep("invitation link", get_email_link(sink, "guest@example.com", "/invitation/"))
    joined = found.keep("password of a guest", new_secret("guest"))
    found.api("auth/register-with-invitation/", 400, token=invitation, name="Guest", password="short")
    found.api("auth/register-with-invitation/", 201, token=invitation, name="Guest", password=joined)
    came = found.api("auth/login/", 200, email="guest@example.com", password=joined)
    found.keep_tokens(came, "a guest")
    given = found.keep("password from an administrator", new_secret("given"))
    office = FormBrowser(found)
    office.form("/login/", 302, email="root@example.com", password=admin)
    office.form("/reauthenticate/", 302, password=admin)
    office.keep_cookies("the administration")
    guest = User.objects.get(email="guest@example.com")
    page = f"/admin/accounts/user/{guest.pk}/change/"
    fields = ("email", "name", "handle", "role", "tier", "time_zone", "language", "version")
    words = {name: str(getattr(guest, name)) for name in fields} | {"is_active": "on", "password": given}
    office.form(page, 302, **words)
    again = found.api("auth/login/", 200, email="guest@example.com", password=given)
    token = found.keep_tokens(again, "a guest who came again")
    found.api("me/deletion/", 400, by=token, confirmation=found.keep("wrong confirmation", new_secret("leaving")))
    found.api("me/deletion/", 201, 200, 202, by=token, confirmation=given)
    way_back = found.keep("way back", get_email_link(sink, "guest@example.com", "/cancel-deletion/"))
    found.api("auth/cancel-deletion/", 200, 204, token=way_back)
    service_account(found, access)
    email_change(found, sink, office, admin)


def service_account(found: SecretRecorder, access: str) -> None:
    """An administrator makes a program's account and a key for it."""
    account = found.api("service-accounts/", 201, by=access, name="Robot")["id"]
    wanted = {"name": "Robot's", "scopes": ["tasks:read"]}
    headers = {"Authorization": f"Bearer {access}", "Idempotency-Key": secrets.token_hex(8)}
    path = f"/api/v1/service-accounts/{account}/keys/"
    key = found.keep(
        "key of a service account", found.send("POST", path, 201, json=wanted, headers=headers).json()["key"]
    )
    found.api("tasks/", 200, by=f"Api-Key {key}", method="GET")
    found.api("tasks/", 403, by=f"Api-Key {key}", title="More than it may")


def email_change(found: SecretRecorder, sink: SmtpSink, browser: FormBrowser, password: str) -> None:
    browser.form("/reauthenticate/", 302, password=password)
    browser.form("/settings/security/email/", 302, email="roots@example.com")
    key = found.keep("link to another address", get_email_link(sink, "roots@example.com", "/verify-email/"))
    browser.form("/verify-email/", 302, at=f"/verify-email/?{urlencode({'key': key})}", key=key)
    assert User.objects.filter(email="roots@example.com").exists()


def oidc_provider(found: SecretRecorder, issuer: str) -> None:
    """Somebody new signs in by an OpenID provider, and what came back is tried once more."""
    idp, browser = Idp(issuer), FormBrowser(found)
    idp.script(user={"email": "olga@example.com", "name": "Olga"})
    found.keep("client secret", CLIENT_SECRET)
    away = browser.post(f"/login/with/{idp.host.replace(':', '-')}/", browser.page("/login/"), 200).text
    address = unescape(away.partition('content="0; url=')[2].partition('"')[0])
    asked = dict(parse_qsl(urlsplit(address).query))
    back = idp.ask("GET", address.removeprefix(issuer))[1]["Location"].removeprefix(found.url)
    found.keep("code of a provider", dict(parse_qsl(urlsplit(back).query))["code"])
    for name in ("state", "nonce"):
        found.keep(f"{name} for a provider", asked[name])
    found.send("GET", back, 302, client=browser.client)
    browser.keep_cookies("somebody by a provider")
    found.send("GET", back, 400, 401, 403, client=browser.client)
    (exchange,) = idp.seen("/token")
    found.keep("verifier for a provider", exchange["form"]["code_verifier"])
    for name in ("access_token", "id_token"):
        found.keep(f"{name} of a provider", exchange["answer"][name])
    assert User.objects.filter(email="olga@example.com").exists()


def current_totp_code(secret: str) -> str:
    return code_at(datetime.now(UTC), secret=secret)
