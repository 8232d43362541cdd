"""From registering to a lost password, as a person does it: a real browser with a passkey of its own, real mail."""

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
from tests.browser.test_all_pages import AXE_RULES, CHECK_SCRIPT

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
    """Takes what an SMTP server is given."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_DATA(self, server, session, envelope):
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 Message accepted"

    def newest(self, subject: str) -> str:
        """Return the words of the newest letter with this subject; it may still be on its way."""
        for _ in range(100):
            found = [one for one in self.letters if one["Subject"] == subject]
            if found:
                self.letters.remove(found[-1])
                return str(found[-1].get_body(("plain",)).get_content())
            time.sleep(0.05)
        raise AssertionError(f"no letter {subject!r}, only {[one['Subject'] for one in self.letters]}")


@pytest.fixture
def mail_server(site):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mail_server = MailServer()
    server = Controller(mail_server, hostname="127.0.0.1", port=port)
    server.start()
    current_app.conf.task_always_eager = True
    words = {
        "SITE_URL": site.url,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_PORT": port,
        "REQUIRE_VERIFIED_EMAIL": True,
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
    }
    with override_settings(**words):
        yield mail_server
    current_app.conf.task_always_eager = False
    server.stop()


class BrowserSession:
    """A person at one browser; each page they come to is looked at in light and dark, wide and on a phone."""

    def __init__(self, page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def look(self, name: str) -> None:
        self.faults += [f"{name}: policy: {one}" for one in self.page.evaluate("violations")]
        self.page.evaluate(AXE_SCRIPT)
        for scheme, width in (("light", 1280), ("dark", 390)):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.set_viewport_size({"width": width, "height": 844})
            self.faults += [
                f"{name}, {scheme}: {one}"
                for one in self.page.evaluate(CHECK_SCRIPT.replace("RULES", AXE_RULES[scheme]))
            ]
            if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                self.faults.append(f"{name}: wider than the screen at {width}")
        self.page.set_viewport_size({"width": 1280, "height": 844})

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.fill(f"[name={name}]", value)

    def press(self, name: str, *, leads_to: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_url(leads_to)

    def follow(self, email_id: str) -> None:
        (link,) = re.findall(r"http\S+\?key=\S+", email_id)
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
    visit = BrowserSession(page)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR_OPTIONS})

    register_and_confirm(visit, mail_server)
    codes = add_totp(visit)
    add_passkey(visit)
    sign_in_with_passkey(visit)
    sign_in_with_recovery_code(visit, codes[0])
    reset_password(visit, mail_server)

    told = {one["Subject"] for one in mail_server.letters}
    assert visit.faults == [], "\n".join(visit.faults)
    assert {"An authenticator app was added to your TaskFlow account."} <= told
    assert {"A passkey was added to your TaskFlow account."} <= told
    assert User.objects.get().check_password(NEW_PASSWORD)
    assert Session.objects.filter(revoked_at=None).count() == 1


def register_and_confirm(visit, mail_server):
    visit.page.goto("/register/")
    visit.fill(name="Nora Berg", email="nora@example.com", password=PASSWORD)
    visit.press("Create account", leads_to="**/verify-email/sent/")
    visit.look("mail sent")
    visit.page.goto("/")
    assert "/login/" in visit.page.url
    visit.follow(mail_server.newest("Confirm your email address for TaskFlow"))
    visit.look("confirm address")
    visit.press("Confirm", leads_to="**/login/")
    visit.sign_in(PASSWORD, leads_to=HOME_PATH)


def add_totp(visit):
    visit.page.goto("/settings/security/")
    visit.look("security")
    visit.page.get_by_role("link", name="Add authenticator app").click()
    visit.page.wait_for_url("**/reauthenticate/**")
    visit.look("confirm it is you")
    visit.fill(password=PASSWORD)
    visit.press("Confirm", leads_to="**/settings/security/app/")
    visit.look("add app")
    secret = visit.page.inner_text("code.secret")
    visit.fill(code=code_at(datetime.now(UTC), secret=secret))
    visit.press("Add authenticator app", leads_to="**/recovery-codes/")
    visit.look("recovery codes")
    codes = visit.page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    return codes


def add_passkey(visit):
    visit.page.goto("/settings/security/passkeys/add/")
    visit.look("add passkey")
    visit.fill(name="Nora's laptop")
    visit.press("Add passkey", leads_to="**/settings/security/")
    assert visit.page.get_by_text("Nora's laptop", exact=True).first.is_visible()
    visit.look("security with all")


def sign_in_with_passkey(visit):
    visit.sign_out()
    visit.look("sign in")
    visit.press("Sign in with a passkey", leads_to=HOME_PATH)
    visit.page.goto("/settings/security/")
    assert visit.page.url.endswith("/settings/security/")


def sign_in_with_recovery_code(visit, code):
    visit.sign_out()
    visit.sign_in(PASSWORD, leads_to="**/login/mfa/")
    visit.look("second step")
    visit.fill(code="00000000")
    visit.press("Sign in", leads_to="**/login/mfa/")
    assert visit.page.get_by_role("alert").first.is_visible()
    visit.fill(code=code)
    visit.press("Sign in", leads_to=HOME_PATH)


def reset_password(visit, mail_server):
    visit.sign_out()
    visit.page.get_by_role("link", name="Forgot your password?").click()
    visit.look("lost password")
    visit.fill(email="nora@example.com")
    visit.press("Send reset link", leads_to="**/password/reset/sent/")
    visit.follow(mail_server.newest("Reset your TaskFlow password"))
    visit.look("new password")
    visit.fill(password1=NEW_PASSWORD)
    visit.press("Save password", leads_to="**/login/")
    visit.sign_in(PASSWORD, leads_to="**/login/")
    assert visit.page.get_by_role("alert").first.is_visible()
    visit.sign_in(NEW_PASSWORD, leads_to="**/login/mfa/")
    visit.press("Use a passkey", leads_to=HOME_PATH)
