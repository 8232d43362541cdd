"""Flows that accept or issue secrets, as an API client and as a browser."""

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

from accounts.models import Session, User
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
    """Send requests; record the secrets that were sent or issued, and the error responses."""

    url: str
    secrets: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def record(self, name: str, value: str) -> str:
        assert len(value) >= 8, name
        self.secrets[name] = value
        return value

    def send(self, method: str, path: str, *statuses: int, client: Any = requests, **options: Any) -> requests.Response:
        response = client.request(method, f"{self.url}{path}", timeout=POLL_TIMEOUT, allow_redirects=False, **options)
        assert response.status_code in statuses, f"{method} {path}: {response.status_code} {response.text[:500]}"
        if response.status_code >= 400:
            # A page with a form sets the browser's own CSRF cookie again, also with status 422.
            cookie = client.cookies.get("csrftoken") if isinstance(client, requests.Session) else None
            headers = str(response.headers).replace(f"csrftoken={cookie}", "csrftoken=")
            self.errors.append(f"{headers} {response.text}")
        return response

    def record_tokens(self, tokens: dict[str, str], of: str) -> str:
        """Record both tokens; returns the access token."""
        self.record(f"refresh token of {of}", tokens["refresh"])
        return self.record(f"access token of {of}", tokens["access"])

    def api(self, path: str, *statuses: int, by: str = "", method: str = "POST", **body: Any) -> Any:
        headers = {"Authorization": by if " " in by else f"Bearer {by}"} if by else {}
        response = self.send(method, f"/api/v1/{path}", *statuses, json=body or None, headers=headers)
        return response.json() if response.content else None


@dataclass
class FormBrowser:
    recorder: SecretRecorder
    client: requests.Session = field(default_factory=requests.Session)

    def form(self, path: str, *statuses: int, at: str = "", **data: str) -> requests.Response:
        """Open the page and send its form."""
        return self.post(path, self.page(at or path), *statuses, **data)

    def page(self, path: str) -> str:
        return self.recorder.send("GET", path, 200, client=self.client).text

    def post(self, path: str, page: str, *statuses: int, **data: str) -> requests.Response:
        token = CSRF_TOKEN_PATTERN.search(page)
        assert token, page[:300]
        form = {"csrfmiddlewaretoken": token[1], **data}
        headers = {"Referer": self.recorder.url}
        return self.recorder.send("POST", path, *statuses, client=self.client, data=form, headers=headers)

    def record_cookies(self, name: str) -> None:
        for cookie in SECRET_COOKIES:
            self.recorder.record(f"{cookie} of {name}", self.client.cookies[cookie])


def get_email_link(sink: SmtpSink, to: str, path: str) -> str:
    """Wait for the email to this address with a link to `path`; returns the secret of the link."""
    pattern = re.compile(rf"{re.escape(path)}\?\w+=([\w:.%-]+)")

    def links() -> list[str]:
        bodies = (message.get_body(("plain",)) for message in list(sink.messages) if message["To"] == to)
        return [match[1] for body in bodies if body for match in pattern.finditer(body.get_content())]

    wait_until(lambda: bool(links()), seconds=POLL_TIMEOUT, what=f"no mail to {to} with {path}")
    return unquote(links()[-1])


def tokens_and_passwords(recorder: SecretRecorder) -> str:
    """Register, sign in rightly and wrongly, refresh and reuse a token. Returns an access token."""
    password = recorder.record("password", new_secret("garden"))
    user = {"email": "ada@example.com", "name": "Ada"}
    made = recorder.api("auth/register/", 201, **user, password=password)
    recorder.record("access token", made["access"])
    recorder.record("refresh token", made["refresh"])
    recorder.api("auth/register/", 400, **user, password=password)
    recorder.api(
        "auth/register/", 400, **user, password=recorder.record("weak password", secrets.token_hex(4)), role="admin"
    )
    recorder.api(
        "auth/login/", 401, email="ada@example.com", password=recorder.record("wrong password", new_secret("wrong"))
    )
    typed_as_email = recorder.record("password typed as an address", f"pw-{secrets.token_hex(12)}")
    recorder.api("auth/login/", 401, email=f"{typed_as_email}@example.com", password="whatever it was")
    broken = recorder.record("password in a broken body", new_secret("broken"))
    recorder.send(
        "POST",
        "/api/v1/auth/login/",
        400,
        data=f'{{"password": "{broken}",',
        headers={"Content-Type": "application/json"},
    )
    in_query = recorder.record("password in an address", secrets.token_hex(16))
    recorder.send("GET", f"/login/?password={in_query}", 200)
    recorder.send("GET", f"/api/v1/me/?access_token={in_query}", 400, 401)
    recorder.api(
        "me/",
        401,
        by=recorder.record("made-up token", f"{secrets.token_hex(12)}.{secrets.token_hex(12)}.x"),
        method="GET",
    )
    second = recorder.api("auth/login/", 200, email="ada@example.com", password=password)
    first = second["refresh"]
    for number in range(2):
        second = recorder.api("auth/refresh/", 200, refresh=second["refresh"])
        recorder.record(f"refreshed access token {number}", second["access"])
        recorder.record(f"refreshed refresh token {number}", second["refresh"])
    recorder.record("replaced refresh token", first)
    recorder.record_tokens(recorder.api("auth/refresh/", 200, refresh=first), "a late duplicate")
    # As if the grace of the replaced tokens were over.
    Session.objects.filter(user__email="ada@example.com").update(replaced_jtis={})
    recorder.api("auth/refresh/", 401, refresh=first)
    return str(made["access"])


def api_keys(recorder: SecretRecorder, access: str) -> None:
    data = {"name": "Program", "scopes": ["tasks:read"]}
    headers = {"Authorization": f"Bearer {access}", "Idempotency-Key": secrets.token_hex(8)}
    recorder.api(
        "auth/reauthenticate/",
        400,
        401,
        by=access,
        password=recorder.record("wrong password on reauthentication", new_secret("again")),
    )
    recorder.api("auth/reauthenticate/", 200, by=access, password=recorder.secrets["password"])
    made = recorder.send("POST", "/api/v1/api-keys/", 201, json=data, headers=headers).json()
    key = recorder.record("API key", made["key"])
    recorder.api("tasks/", 200, by=f"Api-Key {key}", method="GET")
    recorder.api("api-keys/", 401, 403, by=f"Api-Key {key}", name="More", scopes=["tasks:read"])
    rotated = recorder.api(f"api-keys/{made['id']}/rotate/", 201, by=access)["key"]
    recorder.record("rotated API key", rotated)
    wrong = recorder.record("wrong API key", key[:-8] + secrets.token_hex(4))
    recorder.api("tasks/", 401, by=f"Api-Key {wrong}", method="GET")


def browser_sessions(recorder: SecretRecorder, sink: SmtpSink) -> None:
    """Use the pages: sign-in, email verification, password change and reset, MFA."""
    browser = FormBrowser(recorder)
    browser.form(
        "/login/",
        422,
        email="ada@example.com",
        password=recorder.record("wrong password on a page", new_secret("page")),
    )
    browser.form("/login/", 302, email="ada@example.com", password=recorder.secrets["password"])
    browser.record_cookies("a browser")
    verification = recorder.record("verification link", get_email_link(sink, "ada@example.com", "/verify-email/"))
    browser.form("/verify-email/", 302, at=f"/verify-email/?{urlencode({'key': verification})}", key=verification)
    changed = recorder.record("changed password", new_secret("changed"))
    page = "/settings/security/password/"
    wrong = {"current_password": recorder.record("wrong present password", new_secret("present")), "password": changed}
    browser.form(page, 200, 422, **wrong)
    browser.form(page, 302, current_password=recorder.secrets["password"], password=changed)
    FormBrowser(recorder).form("/password/reset/", 302, email="ada@example.com")
    reset = recorder.record("reset link", get_email_link(sink, "ada@example.com", "/password/reset/new/"))
    chosen = recorder.record("password after a reset", new_secret("chosen"))
    another, page = FormBrowser(recorder), "/password/reset/new/"
    opened = f"{page}?{urlencode({'key': reset})}"
    another.form(page, 422, at=opened, key=reset, password="short")
    recorder.errors.pop()  # this page rightly holds the key
    another.form(page, 302, at=opened, key=reset, password=chosen)
    mfa(recorder, sink, chosen)


def mfa(recorder: SecretRecorder, sink: SmtpSink, password: str) -> None:
    browser = FormBrowser(recorder)
    browser.form("/login/", 302, email="ada@example.com", password=password)
    browser.record_cookies("another browser")
    browser.form("/reauthenticate/", 302, password=password)
    page = browser.page("/settings/security/app/")
    secret = recorder.record("secret of the app", re.search(r"\b([A-Z2-7]{32})\b", page)[1])  # type: ignore[index]
    setup_token = re.search(r'name="setup_token" value="([^"]+)"', page)[1]  # type: ignore[index]
    recorder.record("setup token of the authenticator app", setup_token)
    browser.post("/settings/security/app/", page, 302, code=current_totp_code(secret), setup_token=setup_token)
    recorder.record("revert link", get_email_link(sink, "ada@example.com", "/revert-login-method/"))
    user = User.objects.get(email="ada@example.com")
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    for number, code in enumerate(codes[:2]):
        recorder.record(f"recovery code {number}", code)
    response = recorder.api("auth/login/", 401, email="ada@example.com", password=password)
    challenge = recorder.record("challenge", response["challenge"])
    recorder.errors.pop()  # this response rightly holds the challenge
    recorder.api("auth/mfa/", 401, challenge=challenge, code="00000000")
    made = recorder.api("auth/mfa/", 200, challenge=challenge, code=codes[0])
    recorder.record("access token after MFA", made["access"])
    recorder.record("refresh token after MFA", made["refresh"])


def guests(recorder: SecretRecorder, sink: SmtpSink) -> None:
    """Invite a user, set their password as an administrator, request and cancel deletion."""
    admin = recorder.record("password of the administrator", new_secret("admin"))
    root = recorder.api("auth/register/", 201, email="root@example.com", name="Root", password=admin)
    User.objects.filter(email="root@example.com").update(role=User.Role.ADMIN)
    access = recorder.record_tokens(root, "the administrator")
    recorder.api("invitations/", 201, by=access, email="guest@example.com")
    invitation = recorder.record("invitation link", get_email_link(sink, "guest@example.com", "/invitation/"))
    joined = recorder.record("password of a guest", new_secret("guest"))
    recorder.api("auth/register-with-invitation/", 400, token=invitation, name="Guest", password="short")
    recorder.api("auth/register-with-invitation/", 201, token=invitation, name="Guest", password=joined)
    session = recorder.api("auth/login/", 200, email="guest@example.com", password=joined)
    recorder.record_tokens(session, "a guest")
    reset = recorder.record("password from an administrator", new_secret("reset"))
    admin_browser = FormBrowser(recorder)
    admin_browser.form("/login/", 302, email="root@example.com", password=admin)
    admin_browser.form("/reauthenticate/", 302, password=admin)
    admin_browser.record_cookies("the administrator")
    guest = User.objects.get(email="guest@example.com")
    page = f"/admin/accounts/user/{guest.pk}/change/"
    fields = ("email", "name", "handle", "role", "tier", "time_zone", "language", "version")
    data = {name: str(getattr(guest, name)) for name in fields} | {"is_active": "on", "password": reset}
    admin_browser.form(page, 302, **data)
    second_session = recorder.api("auth/login/", 200, email="guest@example.com", password=reset)
    token = recorder.record_tokens(second_session, "a guest after the reset")
    recorder.api(
        "me/deletion/", 400, by=token, confirmation=recorder.record("wrong confirmation", new_secret("leaving"))
    )
    recorder.api("me/deletion/", 201, 200, 202, by=token, confirmation=reset)
    cancel_token = recorder.record("cancellation link", get_email_link(sink, "guest@example.com", "/cancel-deletion/"))
    recorder.api("auth/cancel-deletion/", 200, 204, token=cancel_token)
    service_account(recorder, access)
    email_change(recorder, sink, admin_browser, admin)


def service_account(recorder: SecretRecorder, access: str) -> None:
    """Create a service account and a key for it."""
    account = recorder.api("service-accounts/", 201, by=access, name="Robot")["id"]
    data = {"name": "Robot's", "scopes": ["tasks:read"]}
    headers = {"Authorization": f"Bearer {access}", "Idempotency-Key": secrets.token_hex(8)}
    path = f"/api/v1/service-accounts/{account}/keys/"
    key = recorder.record(
        "key of a service account", recorder.send("POST", path, 201, json=data, headers=headers).json()["key"]
    )
    recorder.api("tasks/", 200, by=f"Api-Key {key}", method="GET")
    recorder.api("tasks/", 403, by=f"Api-Key {key}", title="More than it may")


def email_change(recorder: SecretRecorder, sink: SmtpSink, browser: FormBrowser, password: str) -> None:
    browser.form("/reauthenticate/", 302, password=password)
    browser.form("/settings/security/email/", 302, email="roots@example.com")
    key = recorder.record("link to another address", get_email_link(sink, "roots@example.com", "/verify-email/"))
    browser.form("/verify-email/", 302, at=f"/verify-email/?{urlencode({'key': key})}", key=key)
    assert User.objects.filter(email="roots@example.com").exists()


def oidc_provider(recorder: SecretRecorder, issuer: str) -> None:
    """Sign in through an OpenID provider, then send the callback once more."""
    idp, browser = Idp(issuer), FormBrowser(recorder)
    idp.script(user={"email": "olga@example.com", "name": "Olga"})
    recorder.record("client secret", CLIENT_SECRET)
    redirect_page = browser.post(f"/login/with/{idp.host.replace(':', '-')}/", browser.page("/login/"), 200).text
    address = unescape(redirect_page.partition('content="0; url=')[2].partition('"')[0])
    params = dict(parse_qsl(urlsplit(address).query))
    callback = idp.request("GET", address.removeprefix(issuer))[1]["Location"].removeprefix(recorder.url)
    recorder.record("code of a provider", dict(parse_qsl(urlsplit(callback).query))["code"])
    for name in ("state", "nonce"):
        recorder.record(f"{name} for a provider", params[name])
    recorder.send("GET", callback, 302, client=browser.client)
    browser.record_cookies("a user of a provider")
    recorder.send("GET", callback, 400, 401, 403, client=browser.client)
    (exchange,) = idp.seen("/token")
    recorder.record("verifier for a provider", exchange["form"]["code_verifier"])
    for name in ("access_token", "id_token"):
        recorder.record(f"{name} of a provider", exchange["response"][name])
    assert User.objects.filter(email="olga@example.com").exists()


def current_totp_code(secret: str) -> str:
    return code_at(datetime.now(UTC), secret=secret)
