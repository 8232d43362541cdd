"""A provider that hangs, drips or floods: nobody waits long, few wait at all, and the next ones are told at once."""

from __future__ import annotations

import threading
import time

import pytest

from accounts.oidc.line import Line, ask
from accounts.oidc.refusals import Refused, Unreachable
from tests.oidc.conftest import Browser


@pytest.fixture(autouse=True)
def patience(settings) -> None:
    settings.OIDC_SECONDS = 1


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
    monkeypatch.setattr("accounts.oidc.line.QUIET", 0.0)
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
    line, leave = Line(), threading.Event()
    waiting = [threading.Thread(target=line.hold, args=(lambda _: leave.wait(5),)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    time.sleep(0.2)

    with pytest.raises(Unreachable, match="does not answer") as refusal:
        line.hold(lambda _: None)

    leave.set()
    for thread in waiting:
        thread.join()
    assert refusal.value.code == "busy"
    assert line.hold(lambda _: "free again") == "free again"


def test_a_conversation_that_never_ends_keeps_its_place_until_it_does(settings):
    settings.THREADS, settings.QUICK_REQUESTS, settings.OIDC_SECONDS = 1, 1, 0
    line, leave = Line(), threading.Event()
    with pytest.raises(Unreachable):
        line.hold(lambda _: leave.wait(5))
    line.quiet_until = 0.0

    with pytest.raises(Unreachable) as refusal:
        line.hold(lambda _: None)

    leave.set()
    assert refusal.value.code == "busy"


def test_what_a_conversation_raises_is_raised_where_it_is_waited_for():
    def talk(_end):
        raise Refused("odd")

    with pytest.raises(Refused) as refusal:
        Line().hold(talk)

    assert refusal.value.code == "odd"


def test_a_question_after_the_end_is_not_asked(idp):
    with pytest.raises(Unreachable):
        ask(f"{idp.issuer}/jwks", time.monotonic() - 1)

    assert idp.seen("jwks") == []
