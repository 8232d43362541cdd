"""What ends a sign-in, or changes what somebody may, holds on every node with the next request, whatever is remembered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.cache import remember_liveness, session_key
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, BrowserFactory, SessionFactory
from accounts.tokens import access_for, pair_for
from config.wsgi import application as django
from core import redis
from core.cache import GATE
from core.errors import NotSignedIn
from core.testing.asgi import call, run
from core.testing.together import refusals, together
from gateway.application import Gateway
from gateway.sessions import Sessions

pytestmark = pytest.mark.django_db(transaction=True)
ME, TASKS = "/api/v1/me/", "/api/v1/tasks/"


@pytest.fixture
def nodes():
    """Two gateways with memories of their own, and one Redis."""
    made = [Gateway(django, Sessions(key=session_key, look_up=remember_liveness, token=access_for)) for _ in range(2)]
    yield made
    for gateway in made:
        run(_close(gateway))


async def _close(gateway):
    await gateway.checker.redis.aclose()
    gateway.django.close()


def ask(nodes, token, path=ME):
    return [call(node, "GET", path, headers={"authorization": f"Bearer {token}"}) for node in nodes]


def statuses(nodes, token):
    return [answer.status for path in (ME, TASKS) for answer in ask(nodes, token, path)]


def change(admin, person, **changes):
    services.update_person(actor=admin, person_id=person.pk, changes=changes, now=timezone.now())


def browser(person):
    client = Client()
    client.post("/login/", {"email": person.email, "password": PASSWORD})
    return client


ENDINGS = {
    "signing out": lambda alice, admin, row: services.revoke_session(
        actor=alice, session_id=row.pk, now=timezone.now()
    ),
    "everywhere": lambda alice, admin, row: services.revoke_all_sessions(actor=alice, now=timezone.now()),
    "all others": lambda alice, admin, row: services.end_other_sessions(
        actor=alice, keep=BrowserFactory(user=alice).pk, now=timezone.now()
    ),
    "from a page": lambda alice, admin, row: browser(alice).post(f"/settings/sessions/{row.pk}/revoke/"),
    "all others from a page": lambda alice, admin, row: browser(alice).post("/settings/sessions/revoke-others/"),
    "password": lambda alice, admin, row: services.set_password(
        actor=admin, person_id=alice.pk, password="nine quiet lanterns", now=timezone.now()
    ),
    "deactivation": lambda alice, admin, row: change(admin, alice, is_active=False),
    "an administrator": lambda alice, admin, row: services.end_sessions(
        actor=admin, session_ids=[row.pk], now=timezone.now()
    ),
}


@pytest.mark.parametrize("after", ["nothing", "FLUSHALL", "closed gate"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_token_ends_on_every_node_with(ending, after, nodes, alice, admin):
    row = SessionFactory(user=alice)
    pair = pair_for(row)
    before = statuses(nodes, pair.access) + statuses(nodes, pair.access)

    ENDINGS[ending](alice, admin, row)
    if after == "FLUSHALL":
        redis.client().flushdb()
    if after == "closed gate":
        redis.client().delete(GATE)

    assert before == [200] * 8
    assert statuses(nodes, pair.access) == [401] * 4
    with pytest.raises(NotSignedIn):
        services.refresh_session(token=pair.refresh, now=timezone.now())


def test_a_role_is_another_one_in_the_next_answer_of_every_node(nodes, alice, admin):
    token = pair_for(SessionFactory(user=alice)).access
    found = []

    for role in ("staff", "user", "admin"):
        ask(nodes, token)
        change(admin, alice, role=role)
        found.append([answer.json()["role"] for answer in ask(nodes, token)])

    assert found == [["staff"] * 2, ["user"] * 2, ["admin"] * 2]


def test_a_session_that_ends_by_itself_is_remembered_no_longer_than_it_lasts(nodes, alice):
    brief = SessionFactory(user=alice, expires_at=timezone.now() + timedelta(seconds=90))

    ask(nodes, pair_for(brief).access)

    assert 0 < redis.client().ttl(session_key(brief.pk)) <= 90


def test_a_browsers_row_is_no_programs_session(nodes, alice):
    row = BrowserFactory(user=alice)

    assert statuses(nodes, access_for(row.pk, alice.pk)) == [401] * 4


def test_nobody_signs_in_past_a_change_of_the_password(alice, admin):
    """Each either comes before the change, which ends it, or is refused: none that knew the old one is left."""
    for turn in range(5):
        alice.refresh_from_db()
        knew = [User.objects.get(pk=alice.pk) for _ in range(6)]
        sign_in = [lambda one=one: services.open_session(user=one, now=timezone.now()) for one in knew]
        give = lambda turn=turn: services.set_password(  # noqa: E731
            actor=admin, person_id=alice.pk, password=f"nine quiet lanterns {turn}", now=timezone.now()
        )

        outcomes = together([*sign_in[:3], give, *sign_in[3:]])

        assert len(refusals(outcomes)) == len(refusals(outcomes, NotSignedIn))
        assert Session.objects.filter(user=alice, revoked_at=None).count() == 0


def test_nobody_signs_in_past_a_deactivation(alice, admin):
    sign_in = [lambda: services.open_session(user=User.objects.get(pk=alice.pk), now=timezone.now())] * 6

    outcomes = together([*sign_in[:3], lambda: change(admin, alice, is_active=False), *sign_in[3:]])

    assert len(refusals(outcomes)) == len(refusals(outcomes, NotSignedIn))
    assert not Session.objects.filter(user=alice, revoked_at=None).exists()


def test_a_token_renewed_while_its_session_is_ended_is_worth_nothing(alice):
    for _ in range(5):
        row = SessionFactory(user=alice)
        pair = pair_for(row)
        renew = lambda pair=pair: services.refresh_session(token=pair.refresh, now=timezone.now())  # noqa: E731
        end = lambda row=row: services.revoke_session(  # noqa: E731
            actor=alice, session_id=row.pk, now=timezone.now()
        )

        outcomes = together([renew, renew, end, renew, renew])

        for renewed in [one for one in outcomes if isinstance(one, tuple)]:
            with pytest.raises(NotSignedIn):
                services.refresh_session(token=renewed[0].refresh, now=timezone.now())
        assert Session.objects.get(pk=row.pk).revoked_at is not None


def test_one_session_is_ended_once_by_many(alice, outbox):
    row = SessionFactory(user=alice)
    now = timezone.now()

    outcomes = together([lambda: services.end_other_sessions(actor=alice, keep=None, now=now)] * 8)

    assert sorted(outcomes) == [0] * 7 + [1]
    assert outbox.only("session.revoked")["session_id"] == str(row.pk)
