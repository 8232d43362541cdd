"""What ends a sign-in, or changes what somebody may, holds on every node with the next request, whatever is remembered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.auth import one_time_tokens
from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.cache import load_status, session_key
from accounts.auth.tokens import issue_access_token, issue_tokens
from accounts.models import AccountDeletion, Session, User
from accounts.privacy.account_deletion import services as account_deletion
from accounts.privacy.account_deletion.services import ERASED_USER_NAME
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
    """Two gateways with memories of their own, and one Redis."""
    made = [Gateway(django, SessionBackend(key=session_key, look_up=load_status)) for _ in range(2)]
    yield made
    for gateway in made:
        run(_close(gateway))


async def _close(gateway):
    await gateway.checker.redis.aclose()
    gateway.django.close()


def request_from_nodes(nodes, token, path=ME_PATH):
    return [send_request(node, "GET", path, headers={"authorization": f"Bearer {token}"}) for node in nodes]


def statuses(nodes, token):
    return [answer.status for path in (ME_PATH, TASKS_PATH) for answer in request_from_nodes(nodes, token, path)]


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


@pytest.mark.parametrize("after", ["nothing", "FLUSHALL", "closed gate"])
@pytest.mark.parametrize("ending", REVOCATIONS)
def test_a_token_ends_on_every_node_with(ending, after, nodes, alice, admin):
    row = SessionFactory(user=alice)
    pair = issue_tokens(row)
    before = statuses(nodes, pair.access) + statuses(nodes, pair.access)

    REVOCATIONS[ending](alice, admin, row)
    if after == "FLUSHALL":
        redis.client().flushdb()
    if after == "closed gate":
        redis.client().delete(LEASE)

    assert before == [200] * 8
    assert statuses(nodes, pair.access) == [401] * 4
    with pytest.raises(NotAuthenticated):
        sessions.refresh_session(token=pair.refresh, now=timezone.now())


def test_a_role_is_another_one_in_the_next_answer_of_every_node(nodes, alice, admin):
    token = issue_tokens(SessionFactory(user=alice)).access
    found = []

    for role in ("staff", "user", "admin"):
        request_from_nodes(nodes, token)
        update_user(admin, alice, role=role)
        found.append([answer.json()["role"] for answer in request_from_nodes(nodes, token)])

    assert found == [["staff"] * 2, ["user"] * 2, ["admin"] * 2]


def test_a_session_that_ends_by_itself_is_remembered_no_longer_than_it_lasts(nodes, alice):
    brief = SessionFactory(user=alice, expires_at=timezone.now() + timedelta(seconds=90))

    request_from_nodes(nodes, issue_tokens(brief).access)

    assert 0 < redis.client().ttl(session_key(brief.pk)) <= 90


def test_a_browsers_row_is_no_programs_session(nodes, alice):
    row = BrowserSessionFactory(user=alice)

    assert statuses(nodes, issue_access_token(row.pk, alice.pk)) == [401] * 4


def test_nobody_signs_in_past_a_change_of_the_password(alice, admin):
    """Each either comes before the change, which ends it, or is refused: none that knew the old one is left."""
    for turn in range(5):
        alice.refresh_from_db()
        knew = [User.objects.get(pk=alice.pk) for _ in range(6)]
        sign_in = [lambda one=one: sessions.open_session(user=one, now=timezone.now()) for one in knew]
        give = lambda turn=turn: administration.set_password(  # noqa: E731
            actor=admin, user_id=alice.pk, password=f"nine quiet lanterns {turn}", now=timezone.now()
        )

        outcomes = run_concurrently([*sign_in[:3], give, *sign_in[3:]])

        assert len(errors_of_type(outcomes)) == len(errors_of_type(outcomes, NotAuthenticated))
        assert Session.objects.filter(user=alice, revoked_at=None).count() == 0


def test_nobody_signs_in_past_a_deactivation(alice, admin):
    sign_in = [lambda: sessions.open_session(user=User.objects.get(pk=alice.pk), now=timezone.now())] * 6

    outcomes = run_concurrently([*sign_in[:3], lambda: update_user(admin, alice, is_active=False), *sign_in[3:]])

    assert len(errors_of_type(outcomes)) == len(errors_of_type(outcomes, NotAuthenticated))
    assert not Session.objects.filter(user=alice, revoked_at=None).exists()


def test_a_token_renewed_while_its_session_is_ended_is_worth_nothing(alice):
    for _ in range(5):
        row = SessionFactory(user=alice)
        pair = issue_tokens(row)
        renew = lambda pair=pair: sessions.refresh_session(token=pair.refresh, now=timezone.now())  # noqa: E731
        end = lambda row=row: sessions.revoke_session(  # noqa: E731
            actor=alice, session_id=row.pk, now=timezone.now()
        )

        outcomes = run_concurrently([renew, renew, end, renew, renew])

        for renewed in [one for one in outcomes if isinstance(one, tuple)]:
            with pytest.raises(NotAuthenticated):
                sessions.refresh_session(token=renewed[0].refresh, now=timezone.now())
        assert Session.objects.get(pk=row.pk).revoked_at is not None


def test_one_session_is_ended_once_by_many(alice, outbox):
    row = SessionFactory(user=alice)
    now = timezone.now()

    outcomes = run_concurrently([lambda: sessions.revoke_other_sessions(actor=alice, keep=None, now=now)] * 8)

    assert sorted(outcomes) == [0] * 7 + [1]
    assert outbox.only("session.revoked")["session_id"] == str(row.pk)


class AccountDeletionCase:
    """Somebody who has left and whose time is over in a second, and all who want something of their account."""

    def __init__(self, user, admin):
        self.user, self.admin, self.link = user, admin, one_time_tokens.new_token()
        self.due = timezone.now() + timedelta(days=1)
        User.objects.filter(pk=user.pk).update(is_active=False)
        AccountDeletion.objects.create(
            user=user, token_hash=self.link.hash, requested_at=self.due - timedelta(days=14), due_at=self.due
        )

    def stay(self):
        return account_deletion.cancel_deletion(token=self.link.token, now=self.due - timedelta(seconds=1))

    def deactivate(self):
        update_user(self.admin, self.user, is_active=False)

    def reactivate(self):
        update_user(self.admin, self.user, is_active=True)

    def erase(self):
        return account_deletion.erase_due_accounts(now=self.due)

    def check(self, last):
        """Nobody is active and erased, who was deactivated last is not active, and no way back is left where none may be."""
        user = User.objects.get(pk=self.user.pk)
        assert not (user.is_active and user.erased_at)
        assert (user.name == ERASED_USER_NAME) == (user.erased_at is not None)
        assert not (user.is_active and AccountDeletion.objects.filter(user=user).exists())
        if last == "deactivate":
            assert not user.is_active
        if user.is_active or user.erased_at or last == "deactivate":
            with pytest.raises(NotFound):
                self.stay()
            assert User.objects.get(pk=user.pk).is_active == user.is_active


REVOCATION_CASES = ["stay", "deactivate", "reactivate", "erase"]


@pytest.mark.parametrize("first", REVOCATION_CASES)
@pytest.mark.parametrize("second", REVOCATION_CASES)
def test_who_comes_while_an_account_is_opened_closed_or_erased_finds_what_that_left(first, second, alice, admin):
    leaving = AccountDeletionCase(alice, admin)

    one, two = interleave(getattr(leaving, first), getattr(leaving, second))

    assert isinstance(one, User | int | None)
    refused = {"stay": NotFound, "erase": Conflict}
    assert not isinstance(two, BaseException) or isinstance(two, NotFound if second == "stay" else refused[first])
    leaving.check(second)


@pytest.mark.parametrize("round_", range(4))
@pytest.mark.parametrize("word", ["deactivate", "reactivate"])
def test_whatever_order_chance_gives_them_the_account_is_one_thing(word, round_, alice, admin):
    leaving = AccountDeletionCase(alice, admin)
    word_of_the_admin = getattr(leaving, word)

    outcomes = run_concurrently([leaving.stay, word_of_the_admin, leaving.erase, leaving.stay, leaving.erase])

    allowed = (User, int, NotFound, Conflict, type(None))
    assert [one for one in outcomes if not isinstance(one, allowed)] == []
    assert sum(isinstance(one, User) for one in outcomes) <= 1
    leaving.check(word)


def test_leaving_and_being_deactivated_at_once_leave_no_way_back(alice, admin):
    for _ in range(3):
        User.objects.filter(pk=alice.pk).update(is_active=True)
        AccountDeletion.objects.all().delete()
        leave = lambda: account_deletion.request_deletion(actor=alice, confirmation=PASSWORD, now=timezone.now())  # noqa: E731

        outcomes = run_concurrently([leave, lambda: update_user(admin, alice, is_active=False)])

        assert len(errors_of_type(outcomes)) == len(errors_of_type(outcomes, NotAuthenticated))
        assert not User.objects.get(pk=alice.pk).is_active
