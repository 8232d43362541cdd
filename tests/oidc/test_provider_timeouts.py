"""A provider that hangs, drips or floods: nobody waits long, few wait at all, and the next ones are told at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from accounts.auth.oidc.errors import OidcError, ProviderUnavailable
from accounts.auth.oidc.http import ProviderExecutor, fetch_json
from core import deadline_executor
from core.testing.concurrency import wait_until
from tests.oidc.conftest import Browser


@pytest.fixture(autouse=True)
def patience(settings) -> Iterator[None]:
    settings.OIDC_TIMEOUT = 1
    deadline_executor.waiting_slots.cache_clear()
    yield
    deadline_executor.waiting_slots.cache_clear()


def measure_seconds(action) -> tuple[object, float]:
    started = time.monotonic()
    return action(), time.monotonic() - started


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["token", "jwks", "userinfo"])
@pytest.mark.parametrize("fault", [{"pause": 30}, {"drip": True}], ids=["hangs", "drips"])
def test_a_person_waits_for_a_provider_for_a_limited_time(fault, name, idp, database_state):
    idp.script(at={name: fault}, claims={"email": None})
    before = database_state.state()

    answer, waited = measure_seconds(lambda: Browser().sign_in(idp))

    assert answer.status_code == 503
    assert 0.8 < waited < 3
    assert database_state.state() == before


@pytest.mark.django_db
def test_the_next_ones_do_not_wait_for_a_provider_that_has_just_hung(idp, database_state):
    idp.script(at={"token": {"pause": 30}})
    Browser().sign_in(idp)
    before = database_state.state()

    answers = [measure_seconds(lambda: Browser().sign_in(idp)) for _ in range(3)]

    assert {(answer.status_code, answer.context["code"]) for answer, _ in answers} == {(503, "circuit_open")}
    assert max(waited for _, waited in answers) < 0.5
    assert database_state.state() == before


@pytest.mark.django_db
def test_a_provider_that_is_well_again_is_asked_again(ada, idp, monkeypatch):
    monkeypatch.setattr("core.deadline_executor.CIRCUIT_OPEN_SECONDS", 0.0)
    idp.script(at={"token": {"pause": 30}})
    Browser().sign_in(idp)
    idp.script()
    browser = Browser()

    browser.sign_in(idp)

    assert browser.user == str(ada.pk)


@pytest.mark.django_db
def test_a_provider_that_is_gone_is_said_to_be(idp, settings):
    settings.OIDC_PROVIDERS = idp.settings(issuer="http://127.0.0.1:9")

    answer = Browser().start_login()

    assert answer.status_code == 503
    assert "does not answer just now" in answer.content.decode()


def test_so_many_wait_that_threads_are_left_for_others(settings):
    settings.WSGI_THREADS, settings.MAX_CPU_BOUND_REQUESTS, settings.OIDC_TIMEOUT = 5, 2, 5
    provider, start_login = ProviderExecutor(), threading.Event()
    waiting = [threading.Thread(target=provider.run, args=(lambda _: start_login.wait(5),)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    time.sleep(0.2)

    with pytest.raises(ProviderUnavailable, match="does not answer") as error:
        provider.run(lambda _: None)

    start_login.set()
    for thread in waiting:
        thread.join()
    assert error.value.code == "busy"
    assert provider.run(lambda _: "free again") == "free again"


def test_who_waits_for_one_server_and_who_for_another_are_counted_together(settings):
    """Where the way out is cut, all of them hang at once."""
    settings.WSGI_THREADS, settings.MAX_CPU_BOUND_REQUESTS, settings.OIDC_TIMEOUT = 4, 2, 20
    servers, start_login, inside = (
        [ProviderExecutor(), deadline_executor.DeadlineExecutor(lambda: 20.0)],
        threading.Event(),
        [],
    )

    def talk(_end):
        inside.append(1)
        start_login.wait(20)

    waiting = [threading.Thread(target=server.run, args=(talk,)) for server in servers]
    for thread in waiting:
        thread.start()
    wait_until(lambda: len(inside) == 2)

    with pytest.raises(ProviderUnavailable) as error:
        servers[0].run(talk)
    with pytest.raises(deadline_executor.NoResponse) as other:
        servers[1].run(talk)

    start_login.set()
    for thread in waiting:
        thread.join()
    assert (error.value.code, other.value.reason, len(inside)) == ("busy", "busy", 2)
    assert [server.run(lambda _: "free again") for server in servers] == ["free again"] * 2


def test_one_that_never_ends_is_in_nobody_elses_way(settings):
    settings.WSGI_THREADS, settings.MAX_CPU_BOUND_REQUESTS, settings.OIDC_TIMEOUT = 1, 1, 0
    provider, start_login = ProviderExecutor(), threading.Event()
    with pytest.raises(ProviderUnavailable):
        provider.run(lambda _: start_login.wait(5))

    assert deadline_executor.DeadlineExecutor(lambda: 20.0).run(lambda _: "answered") == "answered"

    start_login.set()


def test_a_conversation_that_never_ends_keeps_its_place_until_it_does(settings):
    settings.WSGI_THREADS, settings.MAX_CPU_BOUND_REQUESTS, settings.OIDC_TIMEOUT = 1, 1, 0
    provider, start_login = ProviderExecutor(), threading.Event()
    with pytest.raises(ProviderUnavailable):
        provider.run(lambda _: start_login.wait(5))
    provider.circuit_open_until = 0.0

    with pytest.raises(ProviderUnavailable) as error:
        provider.run(lambda _: None)

    start_login.set()
    assert error.value.code == "busy"


def test_what_a_conversation_raises_is_raised_where_it_is_waited_for():
    def talk(_end):
        raise OidcError("odd")

    with pytest.raises(OidcError) as error:
        ProviderExecutor().run(talk)

    assert error.value.code == "odd"


def test_a_question_after_the_end_is_not_asked(idp):
    with pytest.raises(ProviderUnavailable):
        fetch_json(f"{idp.issuer}/jwks", time.monotonic() - 1)

    assert idp.seen("jwks") == []
