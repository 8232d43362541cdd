"""Revocation and account changes hold on every node at once, whatever is cached."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.auth import one_time_tokens
from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.cache import load_status, session_key
from accounts.auth.sessions.services import issue_tokens
from accounts.models import AccountDeletion, Session, User
from accounts.models.users import ERASED_USER_NAME
from accounts.privacy import services as privacy
from accounts.tests.factories import PASSWORD, BrowserSessionFactory, SessionFactory
from accounts.users import administration
from config.wsgi import application as django
from core import redis
from core.cache import LEASE
from core.errors import Conflict, NotAuthenticated, NotFound
from core.testing.asgi import run, send_request
from core.testing.concurrency import errors_of_type, interleave, run_concurrently
from gateway.application import Gateway
from gateway.session_backend import SessionBackend

pytestmark = pytest.mark.django_db(transaction=True)
ME_PATH, TASKS_PATH = "/api/v1/me/", "/api/v1/tasks/"


@pytest.fixture
def nodes():
    """Two gateways with caches of their own and one Redis."""
    nodes = [Gateway(django, SessionBackend(key=session_key, look_up=load_status)) for _ in range(2)]
    yield nodes
    for gateway in nodes:
        run(_close(gateway))


async def _close(gateway):
    await gateway.checker.redis.aclose()
    gateway.django.close()


def request_from_nodes(nodes, token, path=ME_PATH):
    return [send_request(node, "GET", path, headers={"authorization": f"Bearer {token}"}) for node in nodes]


def statuses(nodes, token):
    return [response.status for path in (ME_PATH, TASKS_PATH) for response in request_from_nodes(nodes, token, path)]


def update_user(admin, user, **changes):
    administration.update_user(actor=admin, user_id=user.pk, changes=changes, now=timezone.now())


def browser(user):
    client = Client()
    client.post("/login/", {"email": user.email, "password": PASSWORD})
    return client


REVOCATIONS = {
    "signing out": lambda alice, admin, row: sessions.revoke_session(
        actor=alice, session_id=row.pk, now=timezone.now()
    ),
    "everywhere": lambda alice, admin, row: sessions.revoke_all_sessions(actor=alice, now=timezone.now()),
    "all others": lambda alice, admin, row: sessions.revoke_other_sessions(
        actor=alice, keep=BrowserSessionFactory(user=alice).pk, now=timezone.now()
    ),
    "from a page": lambda alice, admin, row: browser(alice).post(f"/settings/sessions/{row.pk}/revoke/"),
    "all others from a page": lambda alice, admin, row: browser(alice).post("/settings/sessions/revoke-others/"),
    "password": lambda alice, admin, row: administration.set_password(
        actor=admin, user_id=alice.pk, password="nine quiet lanterns", now=timezone.now()
    ),
    "deactivation": lambda alice, admin, row: update_user(admin, alice, is_active=False),
    "an administrator": lambda alice, admin, row: administration.revoke_sessions(
        actor=admin, session_ids=[row.pk], now=timezone.now()
    ),
}


@pytest.mark.parametrize("redis_state", ["intact", "flushed", "lease lost"])
@pytest.mark.parametrize("way", REVOCATIONS)
def test_token_is_rejected_on_every_node_after_revocation(way, redis_state, nodes, alice, admin):
    row = SessionFactory(user=alice)
    pair = issue_tokens(row)
    before = statuses(nodes, pair.access) + statuses(nodes, pair.access)

    REVOCATIONS[way](alice, admin, row)
    if redis_state == "flushed":
        redis.client().flushdb()
    if redis_state == "lease lost":
        redis.client().delete(LEASE)

    assert before == [200] * 8
    assert statuses(nodes, pair.access) == [401] * 4
    with pytest.raises(NotAuthenticated):
        sessions.refresh_session(token=pair.refresh, now=timezone.now())


def test_role_change_is_visible_on_every_node_at_once(nodes, alice, admin):
    token = issue_tokens(SessionFactory(user=alice)).access
    roles = []

    for role in ("staff", "user", "admin"):
        request_from_nodes(nodes, token)
        update_user(admin, alice, role=role)
        roles.append([response.json()["role"] for response in request_from_nodes(nodes, token)])

    assert roles == [["staff"] * 2, ["user"] * 2, ["admin"] * 2]


def test_session_status_is_cached_until_expiry_at_most(nodes, alice):
    short_session = SessionFactory(user=alice, expires_at=timezone.now() + timedelta(seconds=90))

    request_from_nodes(nodes, issue_tokens(short_session).access)

    assert 0 < redis.client().ttl(session_key(short_session.pk)) <= 90


def test_browser_session_accepts_no_access_token(nodes, alice):
    row = BrowserSessionFactory(user=alice)

    assert statuses(nodes, issue_tokens(row).access) == [401] * 4


def test_login_during_password_change_leaves_no_session(alice, admin):
    """Each login either precedes the change, which revokes it, or is refused."""
    for turn in range(5):
        alice.refresh_from_db()
        users = [User.objects.get(pk=alice.pk) for _ in range(6)]
        logins = [lambda user=user: sessions.open_session(user=user, now=timezone.now()) for user in users]
        change = lambda turn=turn: administration.set_password(  # noqa: E731
            actor=admin, user_id=alice.pk, password=f"nine quiet lanterns {turn}", now=timezone.now()
        )

        outcomes = run_concurrently([*logins[:3], change, *logins[3:]])

        assert len(errors_of_type(outcomes)) == len(errors_of_type(outcomes, NotAuthenticated))
        assert Session.objects.filter(user=alice, revoked_at=None).count() == 0


def test_login_during_deactivation_leaves_no_session(alice, admin):
    logins = [lambda: sessions.open_session(user=User.objects.get(pk=alice.pk), now=timezone.now())] * 6

    outcomes = run_concurrently([*logins[:3], lambda: update_user(admin, alice, is_active=False), *logins[3:]])

    assert len(errors_of_type(outcomes)) == len(errors_of_type(outcomes, NotAuthenticated))
    assert not Session.objects.filter(user=alice, revoked_at=None).exists()


def test_token_refreshed_during_revocation_is_rejected(alice):
    for _ in range(5):
        row = SessionFactory(user=alice)
        pair = issue_tokens(row)
        refresh = lambda pair=pair: sessions.refresh_session(token=pair.refresh, now=timezone.now())  # noqa: E731
        revoke = lambda row=row: sessions.revoke_session(  # noqa: E731
            actor=alice, session_id=row.pk, now=timezone.now()
        )

        outcomes = run_concurrently([refresh, refresh, revoke, refresh, refresh])

        for refreshed in [outcome for outcome in outcomes if isinstance(outcome, tuple)]:
            with pytest.raises(NotAuthenticated):
                sessions.refresh_session(token=refreshed[0].refresh, now=timezone.now())
        assert Session.objects.get(pk=row.pk).revoked_at is not None


def test_session_revoked_by_many_is_revoked_once(alice, outbox):
    row = SessionFactory(user=alice)
    now = timezone.now()

    outcomes = run_concurrently([lambda: sessions.revoke_other_sessions(actor=alice, keep=None, now=now)] * 8)

    assert sorted(outcomes) == [0] * 7 + [1]
    assert outbox.only("session.revoked")["session_id"] == str(row.pk)


class AccountDeletionCase:
    """A user whose account deletion is due, and four actions on that account."""

    def __init__(self, user, admin):
        self.user, self.admin, self.link = user, admin, one_time_tokens.new_token()
        self.due = timezone.now() + timedelta(days=1)
        User.objects.filter(pk=user.pk).update(is_active=False)
        AccountDeletion.objects.create(
            user=user, token_hash=self.link.hash, requested_at=self.due - timedelta(days=14), due_at=self.due
        )

    def cancel(self):
        return privacy.cancel_deletion(token=self.link.token, now=self.due - timedelta(seconds=1))

    def deactivate(self):
        update_user(self.admin, self.user, is_active=False)

    def reactivate(self):
        update_user(self.admin, self.user, is_active=True)

    def erase(self):
        return privacy.erase_due_accounts(now=self.due)

    def check(self, last):
        """Assert that the account is never active and erased, nor open to a stale link."""
        user = User.objects.get(pk=self.user.pk)
        assert not (user.is_active and user.erased_at)
        assert (user.name == ERASED_USER_NAME) == (user.erased_at is not None)
        assert not (user.is_active and AccountDeletion.objects.filter(user=user).exists())
        if last == "deactivate":
            assert not user.is_active
        if user.is_active or user.erased_at or last == "deactivate":
            with pytest.raises(NotFound):
                self.cancel()
            assert User.objects.get(pk=user.pk).is_active == user.is_active


ACCOUNT_ACTIONS = ["cancel", "deactivate", "reactivate", "erase"]


@pytest.mark.parametrize("first", ACCOUNT_ACTIONS)
@pytest.mark.parametrize("second", ACCOUNT_ACTIONS)
def test_interleaved_account_changes_leave_it_consistent(first, second, alice, admin):
    case = AccountDeletionCase(alice, admin)

    first_outcome, second_outcome = interleave(getattr(case, first), getattr(case, second))

    assert isinstance(first_outcome, User | int | None)
    if isinstance(second_outcome, BaseException):
        errors = {"cancel": NotFound, "erase": Conflict}
        assert isinstance(second_outcome, NotFound if second == "cancel" else errors[first])
    case.check(second)


@pytest.mark.parametrize("round_", range(4))
@pytest.mark.parametrize("change", ["deactivate", "reactivate"])
def test_concurrent_account_changes_leave_it_consistent(change, round_, alice, admin):
    case = AccountDeletionCase(alice, admin)

    outcomes = run_concurrently([case.cancel, getattr(case, change), case.erase, case.cancel, case.erase])

    allowed = (User, int, NotFound, Conflict, type(None))
    assert [outcome for outcome in outcomes if not isinstance(outcome, allowed)] == []
    assert sum(isinstance(outcome, User) for outcome in outcomes) <= 1
    case.check(change)


def test_deletion_during_deactivation_leaves_no_cancel_link(alice, admin):
    for _ in range(3):
        User.objects.filter(pk=alice.pk).update(is_active=True)
        AccountDeletion.objects.all().delete()
        delete = lambda: privacy.request_deletion(actor=alice, confirmation=PASSWORD, now=timezone.now())  # noqa: E731

        outcomes = run_concurrently([delete, lambda: update_user(admin, alice, is_active=False)])

        assert len(errors_of_type(outcomes)) == len(errors_of_type(outcomes, NotAuthenticated))
        assert not User.objects.get(pk=alice.pk).is_active
