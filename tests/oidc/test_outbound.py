"""A provider that hangs, drips or floods: nobody waits long, few wait at all, and the next ones are told at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from accounts.oidc.outbound import Outbound, ask
from accounts.oidc.refusals import Refused, Unreachable
from core import outbound
from core.testing.together import until
from tests.oidc.conftest import Browser


@pytest.fixture(autouse=True)
def patience(settings) -> Iterator[None]:
    settings.OIDC_SECONDS = 1
    outbound.may_wait.cache_clear()
    yield
    outbound.may_wait.cache_clear()


def seconds(action) -> tuple[object, float]:
    started = time.monotonic()
    return action(), time.monotonic() - started


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["token", "jwks", "userinfo"])
@pytest.mark.parametrize("fault", [{"pause": 30}, {"drip": True}], ids=["hangs", "drips"])
def test_a_person_waits_for_a_provider_for_a_limited_time(fault, name, idp, world):
    idp.script(at={name: fault}, claims={"email": None})
    before = world.state()

    answer, waited = seconds(lambda: Browser().walk(idp))

    assert answer.status_code == 503
    assert 0.8 < waited < 3
    assert world.state() == before


@pytest.mark.django_db
def test_the_next_ones_do_not_wait_for_a_provider_that_has_just_hung(idp, world):
    idp.script(at={"token": {"pause": 30}})
    Browser().walk(idp)
    before = world.state()

    answers = [seconds(lambda: Browser().walk(idp)) for _ in range(3)]

    assert {(answer.status_code, answer.context["code"]) for answer, _ in answers} == {(503, "hung_lately")}
    assert max(waited for _, waited in answers) < 0.5
    assert world.state() == before


@pytest.mark.django_db
def test_a_provider_that_is_well_again_is_asked_again(ada, idp, monkeypatch):
    monkeypatch.setattr("core.outbound.QUIET", 0.0)
    idp.script(at={"token": {"pause": 30}})
    Browser().walk(idp)
    idp.script()
    browser = Browser()

    browser.walk(idp)

    assert browser.person == str(ada.pk)


@pytest.mark.django_db
def test_a_provider_that_is_gone_is_said_to_be(idp, settings):
    settings.SOCIALACCOUNT_PROVIDERS = idp.settings(settings={"server_url": "http://127.0.0.1:9"})

    answer = Browser().leave()

    assert answer.status_code == 503
    assert "does not answer just now" in answer.content.decode()


def test_so_many_wait_that_threads_are_left_for_others(settings):
    settings.THREADS, settings.QUICK_REQUESTS, settings.OIDC_SECONDS = 5, 2, 5
    provider, leave = Outbound(), threading.Event()
    waiting = [threading.Thread(target=provider.hold, args=(lambda _: leave.wait(5),)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    time.sleep(0.2)

    with pytest.raises(Unreachable, match="does not answer") as refusal:
        provider.hold(lambda _: None)

    leave.set()
    for thread in waiting:
        thread.join()
    assert refusal.value.code == "busy"
    assert provider.hold(lambda _: "free again") == "free again"


def test_who_waits_for_one_server_and_who_for_another_are_counted_together(settings):
    """Where the way out is cut, all of them hang at once."""
    settings.THREADS, settings.QUICK_REQUESTS, settings.OIDC_SECONDS = 4, 2, 20
    servers, leave, inside = [Outbound(), outbound.Outbound(lambda: 20.0)], threading.Event(), []

    def talk(_end):
        inside.append(1)
        leave.wait(20)

    waiting = [threading.Thread(target=server.hold, args=(talk,)) for server in servers]
    for thread in waiting:
        thread.start()
    until(lambda: len(inside) == 2)

    with pytest.raises(Unreachable) as refusal:
        servers[0].hold(talk)
    with pytest.raises(outbound.Unanswered) as other:
        servers[1].hold(talk)

    leave.set()
    for thread in waiting:
        thread.join()
    assert (refusal.value.code, other.value.reason, len(inside)) == ("busy", "busy", 2)
    assert [server.hold(lambda _: "free again") for server in servers] == ["free again"] * 2


def test_one_that_never_ends_is_in_nobody_elses_way(settings):
    settings.THREADS, settings.QUICK_REQUESTS, settings.OIDC_SECONDS = 1, 1, 0
    provider, leave = Outbound(), threading.Event()
    with pytest.raises(Unreachable):
        provider.hold(lambda _: leave.wait(5))

    assert outbound.Outbound(lambda: 20.0).hold(lambda _: "answered") == "answered"

    leave.set()


def test_a_conversation_that_never_ends_keeps_its_place_until_it_does(settings):
    settings.THREADS, settings.QUICK_REQUESTS, settings.OIDC_SECONDS = 1, 1, 0
    provider, leave = Outbound(), threading.Event()
    with pytest.raises(Unreachable):
        provider.hold(lambda _: leave.wait(5))
    provider.quiet_until = 0.0

    with pytest.raises(Unreachable) as refusal:
        provider.hold(lambda _: None)

    leave.set()
    assert refusal.value.code == "busy"


def test_what_a_conversation_raises_is_raised_where_it_is_waited_for():
    def talk(_end):
        raise Refused("odd")

    with pytest.raises(Refused) as refusal:
        Outbound().hold(talk)

    assert refusal.value.code == "odd"


def test_a_question_after_the_end_is_not_asked(idp):
    with pytest.raises(Unreachable):
        ask(f"{idp.issuer}/jwks", time.monotonic() - 1)

    assert idp.seen("jwks") == []
