"""A hanging or dripping provider: requests time out, few wait at once, and a circuit breaker rejects the next ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from accounts.auth.oidc.provider import OidcError, ProviderExecutor, ProviderUnavailable, fetch_json
from core import deadline_executor
from core.testing.concurrency import wait_until
from tests.oidc.conftest import Browser


@pytest.fixture(autouse=True)
def short_timeout(settings) -> Iterator[None]:
    settings.OIDC_TIMEOUT = 1
    deadline_executor.waiting_slots.cache_clear()
    yield
    deadline_executor.waiting_slots.cache_clear()


def timed(call) -> tuple[object, float]:
    """Return the result of the call and the seconds it took."""
    started = time.monotonic()
    return call(), time.monotonic() - started


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["token", "jwks", "userinfo"])
@pytest.mark.parametrize("fault", [{"pause": 30}, {"drip": True}], ids=["hangs", "drips"])
def test_hanging_provider_times_out(fault, name, idp, database_state):
    idp.script(faults={name: fault}, claims={"email": None})
    before = database_state.state()

    response, waited = timed(lambda: Browser().sign_in(idp))

    assert response.status_code == 503
    assert 0.8 < waited < 3
    assert database_state.state() == before


@pytest.mark.django_db
def test_circuit_is_open_after_a_timeout(idp, database_state):
    idp.script(faults={"token": {"pause": 30}})
    Browser().sign_in(idp)
    before = database_state.state()

    results = [timed(lambda: Browser().sign_in(idp)) for _ in range(3)]

    assert {(response.status_code, response.context["code"]) for response, _ in results} == {(503, "circuit_open")}
    assert max(waited for _, waited in results) < 0.5
    assert database_state.state() == before


@pytest.mark.django_db
def test_recovered_provider_is_used_again(ada, idp, monkeypatch):
    monkeypatch.setattr("core.deadline_executor.CIRCUIT_OPEN_SECONDS", 0.0)
    idp.script(faults={"token": {"pause": 30}})
    Browser().sign_in(idp)
    idp.script()
    browser = Browser()

    browser.sign_in(idp)

    assert browser.user == str(ada.pk)


@pytest.mark.django_db
def test_unreachable_provider_shows_an_error(idp, settings):
    settings.OIDC_PROVIDERS = idp.settings(issuer="http://127.0.0.1:9")

    response = Browser().start_login()

    assert response.status_code == 503
    assert "The provider is not responding" in response.content.decode()


def test_waiting_requests_leave_threads_for_others(settings):
    settings.WSGI_THREADS, settings.MAX_CPU_BOUND_REQUESTS, settings.OIDC_TIMEOUT = 5, 2, 5
    provider, released = ProviderExecutor(), threading.Event()
    waiting = [threading.Thread(target=provider.run, args=(lambda _: released.wait(5),)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    time.sleep(0.2)

    with pytest.raises(ProviderUnavailable, match="is not responding") as error:
        provider.run(lambda _: None)

    released.set()
    for thread in waiting:
        thread.join()
    assert error.value.code == "busy"
    assert provider.run(lambda _: "free again") == "free again"


def test_waiting_slots_are_shared_between_servers(settings):
    """If the network is down, all servers hang at the same time."""
    settings.WSGI_THREADS, settings.MAX_CPU_BOUND_REQUESTS, settings.OIDC_TIMEOUT = 4, 2, 20
    servers = [ProviderExecutor(), deadline_executor.DeadlineExecutor(lambda: 20.0)]
    released, started = threading.Event(), []

    def call(_deadline):
        started.append(1)
        released.wait(20)

    waiting = [threading.Thread(target=server.run, args=(call,)) for server in servers]
    for thread in waiting:
        thread.start()
    wait_until(lambda: len(started) == 2)

    with pytest.raises(ProviderUnavailable) as error:
        servers[0].run(call)
    with pytest.raises(deadline_executor.NoResponse) as other:
        servers[1].run(call)

    released.set()
    for thread in waiting:
        thread.join()
    assert (error.value.code, other.value.reason, len(started)) == ("busy", "busy", 2)
    assert [server.run(lambda _: "free again") for server in servers] == ["free again"] * 2


def test_endless_call_does_not_block_other_servers(settings):
    settings.WSGI_THREADS, settings.MAX_CPU_BOUND_REQUESTS, settings.OIDC_TIMEOUT = 1, 1, 0
    provider, released = ProviderExecutor(), threading.Event()
    with pytest.raises(ProviderUnavailable):
        provider.run(lambda _: released.wait(5))

    assert deadline_executor.DeadlineExecutor(lambda: 20.0).run(lambda _: "done") == "done"

    released.set()


def test_endless_call_keeps_its_slot_until_it_ends(settings):
    settings.WSGI_THREADS, settings.MAX_CPU_BOUND_REQUESTS, settings.OIDC_TIMEOUT = 1, 1, 0
    provider, released = ProviderExecutor(), threading.Event()
    with pytest.raises(ProviderUnavailable):
        provider.run(lambda _: released.wait(5))
    provider.circuit_open_until = 0.0

    with pytest.raises(ProviderUnavailable) as error:
        provider.run(lambda _: None)

    released.set()
    assert error.value.code == "busy"


def test_error_of_a_call_is_raised_to_its_caller():
    def call(_deadline):
        raise OidcError("test_error")

    with pytest.raises(OidcError) as error:
        ProviderExecutor().run(call)

    assert error.value.code == "test_error"


def test_request_after_the_deadline_is_not_sent(idp):
    with pytest.raises(ProviderUnavailable):
        fetch_json(f"{idp.issuer}/jwks", time.monotonic() - 1)

    assert idp.seen("jwks") == []
