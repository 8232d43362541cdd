"""An account from registration to password reset, with a passkey and real emails."""

from __future__ import annotations

import re
import socket
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from celery import current_app
from django.test import override_settings

from accounts.models import Session, User
from accounts.tests.mfa import code_at
from tests.browser.conftest import AXE_SCRIPT
from tests.browser.test_all_pages import AXE_RULES, AXE_RUN_SCRIPT

PASSWORD, NEW_PASSWORD = "seven quiet geese", "nine loud swans"
HOME_PATH = re.compile(r"://[^/]+/$")
AUTHENTICATOR_OPTIONS = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class MailServer:
    """An aiosmtpd handler that stores messages."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 Message accepted"

    def newest(self, subject: str) -> str:
        """Wait for the newest message with this subject, remove it and return its text."""
        for _ in range(100):
            matching = [message for message in self.messages if message["Subject"] == subject]
            if matching:
                self.messages.remove(matching[-1])
                return str(matching[-1].get_body(("plain",)).get_content())
            time.sleep(0.05)
        raise AssertionError(f"no email {subject!r}, only {[message['Subject'] for message in self.messages]}")


@pytest.fixture
def mail_server(site):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mail_server = MailServer()
    server = Controller(mail_server, hostname="127.0.0.1", port=port)
    server.start()
    current_app.conf.task_always_eager = True
    settings = {
        "SITE_URL": site.url,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_PORT": port,
        "REQUIRE_VERIFIED_EMAIL": True,
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
    }
    with override_settings(**settings):
        yield mail_server
    current_app.conf.task_always_eager = False
    server.stop()


class BrowserSession:
    """One browser tab; `look` checks the current page in light and dark, wide and narrow."""

    def __init__(self, page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def look(self, name: str) -> None:
        self.problems += [f"{name}: CSP: {violation}" for violation in self.page.evaluate("violations")]
        self.page.evaluate(AXE_SCRIPT)
        for scheme, width in (("light", 1280), ("dark", 390)):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.set_viewport_size({"width": width, "height": 844})
            self.problems += [
                f"{name}, {scheme}: {violation}"
                for violation in self.page.evaluate(AXE_RUN_SCRIPT.replace("RULES", AXE_RULES[scheme]))
            ]
            if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                self.problems.append(f"{name}: wider than the screen at {width}")
        self.page.set_viewport_size({"width": 1280, "height": 844})

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.fill(f"[name={name}]", value)

    def press(self, name: str, *, leads_to: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_url(leads_to)

    def follow_link(self, text: str) -> None:
        (link,) = re.findall(r"http\S+\?key=\S+", text)
        self.page.goto(link)

    def sign_in(self, password: str, *, leads_to: str | re.Pattern[str]) -> None:
        self.page.goto("/login/")
        self.fill(email="nora@example.com", password=password)
        self.press("Sign in", leads_to=leads_to)

    def sign_out(self) -> None:
        self.page.goto("/settings/sessions/")
        self.page.locator("main").get_by_role("button", name="Sign out this device").click()
        self.page.wait_for_url("**/login/")


def test_account_from_registration_to_recovery(clean_database, mail_server, open_page, site):
    page = open_page(None)
    session = BrowserSession(page)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR_OPTIONS})

    register_and_confirm(session, mail_server)
    codes = add_totp(session)
    add_passkey(session)
    sign_in_with_passkey(session)
    sign_in_with_recovery_code(session, codes[0])
    reset_password(session, mail_server)

    subjects = {message["Subject"] for message in mail_server.messages}
    assert session.problems == [], "\n".join(session.problems)
    assert {"An authenticator app was added to your TaskFlow account."} <= subjects
    assert {"A passkey was added to your TaskFlow account."} <= subjects
    assert User.objects.get().check_password(NEW_PASSWORD)
    assert Session.objects.filter(revoked_at=None).count() == 1


def register_and_confirm(session, mail_server):
    session.page.goto("/register/")
    session.fill(name="Nora Berg", email="nora@example.com", password=PASSWORD)
    session.press("Create account", leads_to="**/verify-email/sent/")
    session.look("mail sent")
    session.page.goto("/")
    assert "/login/" in session.page.url
    session.follow_link(mail_server.newest("Confirm your email address for TaskFlow"))
    session.look("confirm address")
    # This browser registered with the address, so confirming it finishes the sign-in.
    session.press("Confirm", leads_to="**/settings/security/")


def add_totp(session):
    session.page.goto("/settings/security/")
    session.look("security")
    session.page.get_by_role("link", name="Add authenticator app").click()
    session.page.wait_for_url("**/reauthenticate/**")
    session.look("confirm it is you")
    session.fill(password=PASSWORD)
    session.press("Confirm", leads_to="**/settings/security/app/")
    session.look("add app")
    secret = session.page.inner_text("code.secret")
    session.fill(code=code_at(datetime.now(UTC), secret=secret))
    session.press("Add authenticator app", leads_to="**/recovery-codes/")
    session.look("recovery codes")
    codes = session.page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    return codes


def add_passkey(session):
    session.page.goto("/settings/security/passkeys/add/")
    session.look("add passkey")
    session.fill(name="Nora's laptop")
    session.press("Add passkey", leads_to="**/settings/security/")
    assert session.page.get_by_text("Nora's laptop", exact=True).first.is_visible()
    session.look("security with all")


def sign_in_with_passkey(session):
    session.sign_out()
    session.look("sign in")
    session.press("Sign in with a passkey", leads_to=HOME_PATH)
    session.page.goto("/settings/security/")
    assert session.page.url.endswith("/settings/security/")


def sign_in_with_recovery_code(session, code):
    session.sign_out()
    session.sign_in(PASSWORD, leads_to="**/login/mfa/")
    session.look("second step")
    session.fill(code="00000000")
    session.press("Sign in", leads_to="**/login/mfa/")
    assert session.page.get_by_role("alert").first.is_visible()
    session.fill(code=code)
    session.press("Sign in", leads_to=HOME_PATH)


def reset_password(session, mail_server):
    session.sign_out()
    session.page.get_by_role("link", name="Forgot your password?").click()
    session.look("lost password")
    session.fill(email="nora@example.com")
    session.press("Send reset link", leads_to="**/password/reset/sent/")
    session.follow_link(mail_server.newest("Reset your TaskFlow password"))
    session.look("new password")
    session.fill(password=NEW_PASSWORD)
    session.press("Save password", leads_to="**/login/")
    session.sign_in(PASSWORD, leads_to="**/login/")
    assert session.page.get_by_role("alert").first.is_visible()
    session.sign_in(NEW_PASSWORD, leads_to="**/login/mfa/")
    session.press("Use a passkey", leads_to=HOME_PATH)
