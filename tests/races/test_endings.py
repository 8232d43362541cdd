"""What ends a sign-in, or changes what somebody may, holds on every node with the next request, whatever is remembered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import links, services
from accounts.cache import remember_liveness, session_key
from accounts.models import Departure, Session, User
from accounts.services.departures import FORMER
from accounts.tests.factories import PASSWORD, BrowserFactory, SessionFactory
from accounts.tokens import access_for, pair_for
from config.wsgi import application as django
from core import redis
from core.cache import GATE
from core.errors import Conflict, NotFound, NotSignedIn
from core.testing.asgi import call, run
from core.testing.together import overlapping, refusals, together
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


class Leaving:
    """Somebody who has left and whose time is over in a second, and all who want something of their account."""

    def __init__(self, person, admin):
        self.person, self.admin, self.link = person, admin, links.new_link()
        self.due = timezone.now() + timedelta(days=1)
        User.objects.filter(pk=person.pk).update(is_active=False)
        Departure.objects.create(
            user=person, secret_hash=self.link.hash, requested_at=self.due - timedelta(days=14), due_at=self.due
        )

    def stay(self):
        return services.stay(token=self.link.secret, now=self.due - timedelta(seconds=1))

    def deactivate(self):
        change(self.admin, self.person, is_active=False)

    def reactivate(self):
        change(self.admin, self.person, is_active=True)

    def erase(self):
        return services.erase_the_departed(now=self.due)

    def check(self, last):
        """Nobody is active and erased, who was deactivated last is not active, and no way back is left where none may be."""
        person = User.objects.get(pk=self.person.pk)
        assert not (person.is_active and person.erased_at)
        assert (person.name == FORMER) == (person.erased_at is not None)
        assert not (person.is_active and Departure.objects.filter(user=person).exists())
        if last == "deactivate":
            assert not person.is_active
        if person.is_active or person.erased_at or last == "deactivate":
            with pytest.raises(NotFound):
                self.stay()
            assert User.objects.get(pk=person.pk).is_active == person.is_active


ENDS = ["stay", "deactivate", "reactivate", "erase"]


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_who_comes_while_an_account_is_opened_closed_or_erased_finds_what_that_left(first, second, alice, admin):
    leaving = Leaving(alice, admin)

    one, two = overlapping(getattr(leaving, first), getattr(leaving, second))

    assert isinstance(one, User | int | None)
    refused = {"stay": NotFound, "erase": Conflict}
    assert not isinstance(two, BaseException) or isinstance(two, NotFound if second == "stay" else refused[first])
    leaving.check(second)


@pytest.mark.parametrize("round_", range(4))
@pytest.mark.parametrize("word", ["deactivate", "reactivate"])
def test_whatever_order_chance_gives_them_the_account_is_one_thing(word, round_, alice, admin):
    leaving = Leaving(alice, admin)
    word_of_the_admin = getattr(leaving, word)

    outcomes = together([leaving.stay, word_of_the_admin, leaving.erase, leaving.stay, leaving.erase])

    allowed = (User, int, NotFound, Conflict, type(None))
    assert [one for one in outcomes if not isinstance(one, allowed)] == []
    assert sum(isinstance(one, User) for one in outcomes) <= 1
    leaving.check(word)


def test_leaving_and_being_deactivated_at_once_leave_no_way_back(alice, admin):
    for _ in range(3):
        User.objects.filter(pk=alice.pk).update(is_active=True)
        Departure.objects.all().delete()
        leave = lambda: services.leave(actor=alice, confirmation=PASSWORD, now=timezone.now())  # noqa: E731

        outcomes = together([leave, lambda: change(admin, alice, is_active=False)])

        assert len(refusals(outcomes)) == len(refusals(outcomes, NotSignedIn))
        assert not User.objects.get(pk=alice.pk).is_active
