"""Guessing passwords and codes: strangers are slowed down together, the owner gets in meanwhile, and it stands in the log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as live
from django.core.cache import caches
from django.test import Client

from accounts.models import Session
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.mfa import code_at, recovery_codes, with_totp
from core import rate_limits, redis
from core.errors import RateLimited
from core.testing.clock import NOW
from core.testing.concurrency import run_concurrently
from events.models import Event

LOGIN = "/api/v1/auth/login/"
FINISH, STEP = "/api/v1/auth/mfa/", "/login/mfa/"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
WRONG, HOME, AWAY = "wrong", "192.0.2.7", "203.0.113.9"


@pytest.fixture
def redis_is_gone(settings, monkeypatch):
    gone = {**live.CACHES, "default": {**live.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    settings.CACHES = gone
    redis.client.cache_clear()
    monkeypatch.setattr(rate_limits, "_local_limiter", rate_limits._LocalLimiter())
    yield
    caches.close_all()
    redis.client.cache_clear()


def api(clients, password=WRONG, *, email="alice@example.com", address=AWAY):
    return clients["anonymous"].post(LOGIN, {"email": email, "password": password}, REMOTE_ADDR=address)


def page(browser, password=WRONG, *, email="alice@example.com", address=AWAY):
    return browser.post("/login/", {"email": email, "password": password}, REMOTE_ADDR=address)


def both(clients, code="000000", *, address=AWAY):
    """Send the right password, and then a code, to the API."""
    challenge = api(clients, PASSWORD, address=address).json()["challenge"]
    return clients["anonymous"].post(FINISH, {"challenge": challenge, "code": code}, REMOTE_ADDR=address)


def both_on_pages(browser, code, *, address=AWAY):
    page(browser, PASSWORD, address=address)
    return browser.post(STEP, {"code": code}, REMOTE_ADDR=address)


def wait_out():
    for name in redis.client().scan_iter("taskflow:backoff:*"):
        redis.client().delete(name)


def wait_for_codes():
    """Return how many seconds whoever sent wrong codes was told to wait: the power of two above what is left."""
    names = redis.client().scan_iter("taskflow:backoff:mfa:*")
    left = max((redis.client().ttl(name) for name in names), default=0)
    return 1 << (left - 1).bit_length() if left else 0


@pytest.fixture
def unhurried(settings):
    """Leave the growing wait alone: no limit within a window comes before it."""
    settings.LOGIN_RATE_PER_ADDRESS = settings.LOGIN_RATE_PER_ACCOUNT = settings.MFA_RATE = "1000/m"


def exhaust(clients, **words):
    """Guess from a thousand addresses until the account is closed to strangers."""
    return [api(clients, address=f"198.51.100.{number}", **words).status_code for number in range(11)]


def test_ten_guesses_from_ten_addresses_close_an_account_to_strangers_at_every_door(clients, admin):
    codes = exhaust(clients, email="admin@example.com")
    before = Event.objects.count()

    answers = [
        api(clients, PASSWORD, email="admin@example.com"),
        page(Client(), PASSWORD, email="admin@example.com"),
    ]

    assert codes == [401] * 10 + [429]
    assert [answer.status_code for answer in answers] == [429] * 2
    assert all(int(answer["Retry-After"]) > 0 for answer in answers)
    assert not Session.objects.exists()
    assert Event.objects.count() == before


def test_the_owner_gets_in_from_a_known_address_meanwhile(clients, alice):
    assert api(clients, PASSWORD, address=HOME).status_code == 200

    exhaust(clients)

    assert api(clients, PASSWORD, address=AWAY).status_code == 429
    assert api(clients, PASSWORD, address=HOME).status_code == 200


def test_the_owner_gets_in_with_a_known_browser_from_anywhere_meanwhile(clients, alice):
    browser = Client()
    assert page(browser, PASSWORD, address=HOME).status_code == 302
    browser.post("/logout/")

    exhaust(clients)

    assert page(Client(), PASSWORD, address=AWAY).status_code == 429
    assert page(browser, PASSWORD, address=AWAY).status_code == 302


def test_another_persons_known_browser_is_a_stranger_to_this_account(clients, alice, bob):
    browser = Client()
    page(browser, PASSWORD, email="bob@example.com", address=HOME)
    browser.post("/logout/")

    exhaust(clients)

    assert page(browser, PASSWORD, address=HOME).status_code == 429


def test_who_guesses_from_a_known_address_is_counted_whatever_cookie_he_shows(clients, alice):
    api(clients, PASSWORD, address=HOME)
    codes = []

    for number in range(11):
        browser = Client()
        browser.cookies["device"] = f"made-up-{number}"
        codes.append(page(browser, address=HOME).status_code)

    assert codes == [422] * 10 + [429]


def test_thirty_accounts_from_one_address_close_the_address_but_not_to_those_it_knows(clients, alice, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "30/5m"
    api(clients, PASSWORD, address=HOME)

    codes = [api(clients, email=f"p{number}@example.com", address=HOME).status_code for number in range(31)]

    assert codes == [401] * 29 + [429] * 2
    assert api(clients, PASSWORD, address=HOME).status_code == 200


def test_each_failure_beyond_the_free_ones_doubles_the_wait():
    redis.client().flushdb()
    waits = []

    for _ in range(14):
        rate_limits.record_failure("account:x", rate_limits.Backoff(free_attempts=2))
        waits.append(max(0, redis.client().ttl("taskflow:backoff:account:x")))

    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    with pytest.raises(RateLimited) as error:
        rate_limits.check_backoff(["account:y", "account:x"])
    assert error.value.retry_after == 900
    rate_limits.reset_failures("account:x")
    rate_limits.check_backoff(["account:x"])


def test_the_right_password_ends_the_wait_that_wrong_ones_began(clients, alice, settings):
    settings.LOGIN_RATE_PER_ACCOUNT = "1000/m"
    for _ in range(10):
        api(clients)

    assert api(clients, PASSWORD).status_code == 200
    assert [api(clients).status_code for _ in range(11)] == [401] * 10 + [401]


def test_who_knows_the_password_waits_longer_with_each_wrong_code_and_the_owner_does_not(clients, alice, unhurried):
    with_totp(alice)
    owner, waits = Client(), []
    both_on_pages(owner, code_at(NOW - timedelta(seconds=30)), address=HOME)
    owner.post("/logout/")
    before = Session.objects.count()

    codes = [both(clients, address=f"198.51.100.{number}").status_code for number in range(10)]
    for number in range(7):
        wait_out()
        codes.append(both(clients, address=f"198.51.100.{100 + number}").status_code)
        waits.append(wait_for_codes())
    refusals = [both(clients, code_at(NOW)), both_on_pages(Client(), code_at(NOW))]
    closed = Session.objects.count()
    came_in = both_on_pages(owner, code_at(NOW))

    assert codes == [401] * 17
    assert waits[2:] == [4, 8, 16, 32, 64]
    assert [answer.status_code for answer in refusals] == [429] * 2
    assert all(32 < int(answer["Retry-After"]) <= 64 for answer in refusals)
    assert (before, closed) == (1, 1)
    assert (came_in.status_code, Session.objects.count()) == (302, 2)


def test_who_knows_the_password_does_not_spend_the_owners_codes(clients, alice, settings):
    settings.MFA_RATE = "3/5m"
    with_totp(alice)
    assert both(clients, code_at(NOW - timedelta(seconds=30)), address=HOME).status_code == 200

    codes = [both(clients, address=f"198.51.100.{number}").status_code for number in range(4)]

    assert codes == [401] * 2 + [429] * 2  # where nobody was signed in before, the owner counted as a stranger too
    assert both(clients, code_at(NOW)).status_code == 429
    assert Session.objects.count() == 1
    assert both(clients, code_at(NOW), address=HOME).status_code == 200


def test_a_right_code_and_nothing_less_ends_the_wait_that_wrong_ones_began(clients, alice, unhurried):
    first, second = recovery_codes(with_totp(alice))[:2]
    assert both(clients, first, address=HOME).status_code == 200
    wrong = [both(clients, address=HOME).status_code for _ in range(10)]

    right = both(clients, second, address=HOME)
    again = [both(clients, address=HOME).status_code for _ in range(10)]

    assert (wrong, right.status_code, again) == ([401] * 10, 200, [401] * 10)
    assert wait_for_codes() == 0


def test_without_redis_each_process_counts_its_share(clients, alice, settings, redis_is_gone):
    settings.NODE_COUNT = 2

    codes = [api(clients).status_code for _ in range(7)]
    right = api(clients, PASSWORD)

    assert codes == [401] * 5 + [429] * 2
    assert (right.status_code, Session.objects.count()) == (429, 0)
    assert int(right["Retry-After"]) > 0
    assert api(clients, PASSWORD, email="bob@example.com").status_code == 401


def test_without_redis_failures_double_the_wait_too(redis_is_gone):
    for _ in range(4):
        rate_limits.record_failure("account:x", rate_limits.Backoff(free_attempts=2))

    with pytest.raises(RateLimited) as error:
        rate_limits.check_backoff(["account:x"])
    assert error.value.retry_after == 2
    rate_limits.reset_failures("account:x")
    rate_limits.check_backoff(["account:x"])


def test_a_failure_is_a_fact_about_the_person_and_an_unknown_address_one_about_nobody(clients, alice, outbox):
    UserFactory(email="gone@example.com", is_active=False, handle="gone")

    api(clients)
    api(clients, email="hunter2-typed-by-mistake@example.com")
    page(Client(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/140"), PASSWORD, email="gone@example.com")

    known, unknown, gone = outbox.payloads("user.login_failed")
    assert (known["user"]["id"], known["address"], known["actor"]) == (str(alice.pk), AWAY, None)
    assert unknown["user"] == {"id": "00000000-0000-0000-0000-000000000000"}
    assert (gone["user"]["email"], gone["device"]) == ("gone@example.com", "Firefox on Linux")
    assert "hunter2" not in str(Event.objects.values_list("payload", flat=True))
    assert not [key for key in redis.client().scan_iter() if "hunter2" in key or "alice" in key]


@pytest.mark.django_db(transaction=True)
def test_twenty_guesses_at_once_are_ten(alice):
    outcomes = run_concurrently([lambda: page(Client()).status_code] * 20)

    assert sorted(outcomes) == [422] * 10 + [429] * 10
    assert Event.objects.filter(name="user.login_failed").count() == 10
