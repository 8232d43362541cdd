"""One clock for all: the database decides what has expired, whatever the clock of the process says.

Each row of the table issues something that lives for a while, and says whether it is still accepted. It is issued so that
a part of its life is left, or has just passed, by the database's clock; the process is an hour ahead or behind meanwhile.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import unquote

import pytest
import time_machine
from allauth.account import app_settings
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.api_keys.services import KeySpec, create_key
from accounts.auth import account_emails
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.login import PENDING_LOGIN_MAX_AGE
from accounts.auth.login_methods.selectors import REVERT_LINK_TTL
from accounts.auth.mfa.enrollment import SETUP_LIFETIME
from accounts.auth.passwords import services as passwords
from accounts.privacy import services as privacy
from accounts.privacy.services import GRACE_PERIOD
from accounts.tests.api_keys import api_key_client
from accounts.tests.factories import PASSWORD, ExportFactory, InvitationFactory, UserFactory, with_email_address
from accounts.tests.fixtures import ApiClient
from accounts.tests.mfa import code_at, with_totp
from accounts.users.invitations.services import INVITATION_TTL
from core import clock
from core.api.idempotency import RETENTION
from core.clock import current_time
from core.testing.clock import synchronise
from notifications.email.rendering import compose
from notifications.models import OutgoingEmail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("use_database_clock")]
API = "/api/v1"
HOUR = timedelta(hours=1)


def token_client(user):
    tokens = ApiClient().post(f"{API}/auth/login/", {"email": user.email, "password": PASSWORD}).json()
    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {tokens.get('access')}")
    client.tokens = tokens
    return client


def browser(user):
    client = Client()
    client.post("/login/", {"email": user.email, "password": PASSWORD})
    return client


def link(kind, pattern):
    body = compose(OutgoingEmail.objects.filter(kind=kind).latest("pk")).body
    return unquote(re.search(pattern + r"=(\S+)", body)[1])


def issue_key(user):
    spec = KeySpec(name="Importer", scopes=("me:read", "tasks:read"), expires_at=current_time() + timedelta(days=30))
    return api_key_client(create_key(actor=user, owner=user, spec=spec, now=current_time()).text)


def issue_invitation(user):
    now = current_time()
    inviter = UserFactory(role="staff")
    InvitationFactory(inviter=inviter, email=user.email, secret="s3", created_at=now, expires_at=now + INVITATION_TTL)


def accept(user, _state):
    return token_client(user).post(f"{API}/invitations/accept/", {"token": "s3"}).status_code == 200


def post_with_key(user):
    return token_client(user).post(f"{API}/tasks/", {"title": "Once"}, HTTP_IDEMPOTENCY_KEY="once")


def issue_deletion(user):
    privacy.request_deletion(actor=user, confirmation=PASSWORD, now=current_time())
    return link("deletion_requested", r"cancel-deletion/\?token")


def issue_revert(user):
    passwords.change_password(user=user, password="an intruders phrase", now=current_time())
    return link("security_changed", r"revert-login-method/\?token")


def issue_reset(user):
    account_emails.send_password_reset(user)
    return link("password_reset", r"\?key")


def issue_verification(user):
    with_email_address(user, verified=False)
    email_addresses.send_verification_email(user=user)
    return link("verify_email", r"\?key")


def issue_challenge(user):
    return token_client(with_totp(user)).tokens["challenge"]


def answer_challenge(user, challenge):
    data = {"challenge": challenge, "code": code_at(current_time())}
    return ApiClient().post(f"{API}/auth/mfa/", data).status_code == 200


def send_code(user, client):
    client.post("/login/mfa/", {"code": code_at(current_time())})
    return "_auth_user_id" in client.session


def issue_totp_setup(user):
    response = token_client(user).post(f"{API}/me/mfa/totp/")
    return response.json()


def activate_totp(user, setup):
    data = {"setup_token": setup["setup_token"], "code": code_at(current_time(), secret=setup["secret"])}
    return token_client(user).post(f"{API}/me/mfa/totp/confirm/", data).status_code < 300


class Case(NamedTuple):
    lifetime: timedelta
    issue: object
    is_accepted: object


CASES = {
    "browser session": Case(
        settings.SESSION_IDLE_TIMEOUT, browser, lambda _user, client: client.get("/settings/").status_code == 200
    ),
    "access token": Case(
        settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"],
        token_client,
        lambda _user, client: client.get(f"{API}/me/").status_code == 200,
    ),
    "refresh token": Case(
        settings.SESSION_IDLE_TIMEOUT,
        lambda user: token_client(user).tokens["refresh"],
        lambda _user, token: ApiClient().post(f"{API}/auth/refresh/", {"refresh": token}).status_code == 200,
    ),
    "API key": Case(
        timedelta(days=30), issue_key, lambda _user, client: client.get(f"{API}/tasks/").status_code == 200
    ),
    "invitation": Case(INVITATION_TTL, issue_invitation, accept),
    "idempotency key": Case(
        RETENTION, post_with_key, lambda user, first: post_with_key(user).json()["id"] == first.json()["id"]
    ),
    "cancellation of a deletion": Case(
        GRACE_PERIOD,
        issue_deletion,
        lambda _user, token: Client().post("/cancel-deletion/", {"token": token}).status_code == 302,
    ),
    "revert link": Case(
        REVERT_LINK_TTL,
        issue_revert,
        lambda _user, token: Client().post("/revert-login-method/", {"token": token}).status_code == 302,
    ),
    "reset link": Case(
        timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
        issue_reset,
        lambda _user, key: Client().get("/password/reset/new/", {"key": key}).status_code == 200,
    ),
    "verification link": Case(
        timedelta(days=app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS),
        issue_verification,
        lambda _user, key: ApiClient().post(f"{API}/auth/verify-email/", {"key": key}).status_code == 204,
    ),
    "MFA challenge": Case(settings.MFA_CHALLENGE_LIFETIME, issue_challenge, answer_challenge),
    "sign-in of a browser": Case(
        timedelta(seconds=PENDING_LOGIN_MAX_AGE), lambda user: browser(with_totp(user)), send_code
    ),
    "setup of an app": Case(SETUP_LIFETIME, issue_totp_setup, activate_totp),
    "recent login": Case(
        settings.REAUTHENTICATION_MAX_AGE,
        token_client,
        lambda _user, client: client.post(f"{API}/me/exports/").status_code == 201,
    ),
    "export": Case(
        timedelta(days=1),
        lambda user: ExportFactory(user=user, created_at=current_time(), expires_at=current_time() + timedelta(days=1)),
        lambda user, export: token_client(user).get(f"{API}/me/exports/{export.pk}/").status_code == 200,
    ),
}


@contextmanager
def database_clock_moved(delta):
    """Issue at another time of the database: its own clock cannot be moved."""
    origin = clock._origin
    clock._origin = origin + delta
    try:
        yield
    finally:
        clock._origin = origin


@pytest.mark.parametrize("skew", [HOUR, -HOUR], ids=["ahead", "behind"])
@pytest.mark.parametrize("is_over", [False, True], ids=["alive", "over"])
@pytest.mark.parametrize("name", CASES)
def test_database_clock_decides_about(name, is_over, skew):
    case, user = CASES[name], with_email_address(UserFactory(handle="ann"))
    left = min(timedelta(minutes=30), case.lifetime / 2)
    age = case.lifetime + (left if is_over else -left)
    # The process of one node issues it, and that of another accepts it: their clocks differ by two hours.
    with time_machine.travel(timezone.now() - skew), database_clock_moved(-age):
        state = case.issue(user)
    user.refresh_from_db()

    with time_machine.travel(timezone.now() + skew):
        assert case.is_accepted(user, state) is not is_over


def test_current_time_follows_the_database_only():
    before = current_time()
    with time_machine.travel(timezone.now() + 5 * HOUR):
        assert abs(current_time() - before) < timedelta(seconds=5)


class Database:
    """A connection that answers 5,000,000 s, one more each time, after `delay` seconds."""

    def __init__(self, monkeypatch):
        self.now, self.own_clock, self.delay, self.readings = 1000.0, 77_000.0, 0.0, 0
        monkeypatch.setattr(clock, "_counter", lambda: self.now)
        monkeypatch.setattr(clock.time, "time", lambda: self.own_clock)
        for name in ("_synchronised_at", "_own_clock_at"):
            monkeypatch.setattr(clock, name, float("-inf"))
        monkeypatch.setattr(clock, "_origin", None)

    def execute(self, _sql):
        self.readings += 1
        self.go_on(self.delay)
        return self

    def fetchone(self):
        return [5_000_000.0 + self.readings]

    def go_on(self, seconds):
        self.now += seconds
        self.own_clock += seconds


def test_clock_is_read_once_a_minute(monkeypatch):
    database = Database(monkeypatch)
    database.delay = 0.5  # a slow reading is better than none
    synchronise(database)
    first = clock._origin
    assert first.timestamp() == 5_000_001 - 1000.25
    for _ in range(3):
        database.go_on(25)
        synchronise(database)
    assert (database.readings, clock._origin) == (2, first)  # a slow reading does not replace an earlier one

    database.delay = 0.0
    database.go_on(61)
    synchronise(database)

    assert clock._origin.timestamp() == 5_000_003 - database.now


def test_clock_is_read_at_once_after_a_step(monkeypatch):
    """A machine that was suspended, or whose clock was set, reads it at once."""
    database = Database(monkeypatch)
    synchronise(database)
    for step in (3600, -7200, 2):
        database.go_on(5)
        synchronise(database)
        readings = database.readings
        database.own_clock += step
        synchronise(database)
        assert database.readings == readings + 1
        assert clock._origin.timestamp() == 5_000_000 + database.readings - database.now


def test_no_module_reads_the_clock_of_the_process():
    """Logs and the health page show it; all else takes `current_time` or `database_now`."""
    reading = re.compile(
        r"timezone\.now\(\)|timezone\.local(?:date|time)\(\)|\btime\.time\(\)|datetime\.(?:now|utcnow)\("
    )
    visible = {"core/clock.py", "core/health.py", "core/logging.py", "core/time_zones.py"}
    root, apps = (
        settings.BASE_DIR,
        ("accounts", "analytics", "config", "core", "events", "gateway", "notifications", "tasks"),
    )
    files = [path for app in apps for path in (root / app).rglob("*.py")]
    modules = [path for path in files if not {"tests", "testing", "migrations"} & set(path.parts)]

    names = {str(path.relative_to(root)) for path in modules if reading.search(path.read_text())}

    assert names - {"conftest.py"} == visible
