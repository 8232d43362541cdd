"""Throttling of password and code guessing.

Unknown devices share one counter per account; the owner still signs in from known addresses and browsers.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
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
MFA_API, MFA_PAGE = "/api/v1/auth/mfa/", "/login/mfa/"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
WRONG, HOME, AWAY = "wrong", "192.0.2.7", "203.0.113.9"


def api_login(clients, password=WRONG, *, email="alice@example.com", address=AWAY):
    return clients["anonymous"].post(LOGIN, {"email": email, "password": password}, REMOTE_ADDR=address)


def page_login(browser, password=WRONG, *, email="alice@example.com", address=AWAY):
    return browser.post("/login/", {"email": email, "password": password}, REMOTE_ADDR=address)


def api_login_with_code(clients, code="000000", *, address=AWAY):
    """Send the right password, and then a code, to the API."""
    challenge = api_login(clients, PASSWORD, address=address).json()["challenge"]
    return clients["anonymous"].post(MFA_API, {"challenge": challenge, "code": code}, REMOTE_ADDR=address)


def page_login_with_code(browser, code, *, address=AWAY):
    page_login(browser, PASSWORD, address=address)
    return browser.post(MFA_PAGE, {"code": code}, REMOTE_ADDR=address)


def clear_backoff():
    for name in redis.client().scan_iter("taskflow:backoff:*"):
        redis.client().delete(name)


def mfa_backoff():
    """Return the MFA backoff in seconds: the power of two above the remaining TTL."""
    names = redis.client().scan_iter("taskflow:backoff:mfa:*")
    left = max((redis.client().ttl(name) for name in names), default=0)
    return 1 << (left - 1).bit_length() if left else 0


def exhaust(clients, **kwargs):
    """Guess from eleven addresses until the account is closed to unknown devices."""
    return [api_login(clients, address=f"198.51.100.{number}", **kwargs).status_code for number in range(11)]


def test_ten_failures_close_an_account_to_unknown_devices(clients, admin):
    codes = exhaust(clients, email="admin@example.com")
    before = Event.objects.count()

    responses = [
        api_login(clients, PASSWORD, email="admin@example.com"),
        page_login(Client(), PASSWORD, email="admin@example.com"),
    ]

    assert codes == [401] * 10 + [429]
    assert [response.status_code for response in responses] == [429] * 2
    assert all(int(response["Retry-After"]) > 0 for response in responses)
    assert not Session.objects.exists()
    assert Event.objects.count() == before


def test_owner_at_a_known_address_signs_in_meanwhile(clients, alice):
    assert api_login(clients, PASSWORD, address=HOME).status_code == 200

    exhaust(clients)

    assert api_login(clients, PASSWORD, address=AWAY).status_code == 429
    assert api_login(clients, PASSWORD, address=HOME).status_code == 200


def test_owner_in_a_known_browser_signs_in_meanwhile(clients, alice):
    browser = Client()
    assert page_login(browser, PASSWORD, address=HOME).status_code == 302
    browser.post("/logout/")

    exhaust(clients)

    assert page_login(Client(), PASSWORD, address=AWAY).status_code == 429
    assert page_login(browser, PASSWORD, address=AWAY).status_code == 302


def test_known_browser_of_another_user_is_throttled(clients, alice, bob):
    browser = Client()
    page_login(browser, PASSWORD, email="bob@example.com", address=HOME)
    browser.post("/logout/")

    exhaust(clients)

    assert page_login(browser, PASSWORD, address=HOME).status_code == 429


def test_known_address_is_limited_with_any_device_cookie(clients, alice):
    api_login(clients, PASSWORD, address=HOME)
    codes = []

    for number in range(11):
        browser = Client()
        browser.cookies["device"] = f"made-up-{number}"
        codes.append(page_login(browser, address=HOME).status_code)

    assert codes == [422] * 10 + [429]


def test_address_limit_spares_users_known_at_the_address(clients, alice, settings):
    settings.LOGIN_RATE_PER_ADDRESS = "30/5m"
    api_login(clients, PASSWORD, address=HOME)

    codes = [api_login(clients, email=f"p{number}@example.com", address=HOME).status_code for number in range(31)]

    assert codes == [401] * 29 + [429] * 2
    assert api_login(clients, PASSWORD, address=HOME).status_code == 200


def test_backoff_doubles_after_the_free_attempts():
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


def test_password_backoff_is_reset_by_the_right_password(clients, alice, settings):
    settings.LOGIN_RATE_PER_ACCOUNT = "1000/m"
    for _ in range(10):
        api_login(clients)

    assert api_login(clients, PASSWORD).status_code == 200
    assert [api_login(clients).status_code for _ in range(11)] == [401] * 10 + [401]


def test_mfa_backoff_grows_but_spares_the_owner(clients, alice, no_window_limits):
    with_totp(alice)
    owner, waits = Client(), []
    page_login_with_code(owner, code_at(NOW - timedelta(seconds=30)), address=HOME)
    owner.post("/logout/")
    before = Session.objects.count()

    codes = [api_login_with_code(clients, address=f"198.51.100.{number}").status_code for number in range(10)]
    for number in range(7):
        clear_backoff()
        codes.append(api_login_with_code(clients, address=f"198.51.100.{100 + number}").status_code)
        waits.append(mfa_backoff())
    rejected = [api_login_with_code(clients, code_at(NOW)), page_login_with_code(Client(), code_at(NOW))]
    after = Session.objects.count()
    response = page_login_with_code(owner, code_at(NOW))

    assert codes == [401] * 17
    assert waits[2:] == [4, 8, 16, 32, 64]
    assert [response.status_code for response in rejected] == [429] * 2
    assert all(32 < int(response["Retry-After"]) <= 64 for response in rejected)
    assert (before, after) == (1, 1)
    assert (response.status_code, Session.objects.count()) == (302, 2)


def test_mfa_limit_of_unknown_devices_spares_the_owner(clients, alice, settings):
    settings.MFA_RATE = "3/5m"
    with_totp(alice)
    assert api_login_with_code(clients, code_at(NOW - timedelta(seconds=30)), address=HOME).status_code == 200

    codes = [api_login_with_code(clients, address=f"198.51.100.{number}").status_code for number in range(4)]

    assert codes == [401] * 2 + [429] * 2  # the owner's first login, from an unknown address, was counted too
    assert api_login_with_code(clients, code_at(NOW)).status_code == 429
    assert Session.objects.count() == 1
    assert api_login_with_code(clients, code_at(NOW), address=HOME).status_code == 200


def test_mfa_backoff_is_reset_by_a_right_code_only(clients, alice, no_window_limits):
    first, second = recovery_codes(with_totp(alice))[:2]
    assert api_login_with_code(clients, first, address=HOME).status_code == 200
    wrong = [api_login_with_code(clients, address=HOME).status_code for _ in range(10)]

    right = api_login_with_code(clients, second, address=HOME)
    again = [api_login_with_code(clients, address=HOME).status_code for _ in range(10)]

    assert (wrong, right.status_code, again) == ([401] * 10, 200, [401] * 10)
    assert mfa_backoff() == 0


def test_login_limit_without_redis_is_divided_by_the_nodes(clients, alice, settings, unreachable_redis):
    settings.NODE_COUNT = 2

    codes = [api_login(clients).status_code for _ in range(7)]
    right = api_login(clients, PASSWORD)

    assert codes == [401] * 5 + [429] * 2
    assert (right.status_code, Session.objects.count()) == (429, 0)
    assert int(right["Retry-After"]) > 0
    assert api_login(clients, PASSWORD, email="bob@example.com").status_code == 401


def test_backoff_without_redis_doubles_too(unreachable_redis):
    for _ in range(4):
        rate_limits.record_failure("account:x", rate_limits.Backoff(free_attempts=2))

    with pytest.raises(RateLimited) as error:
        rate_limits.check_backoff(["account:x"])
    assert error.value.retry_after == 2
    rate_limits.reset_failures("account:x")
    rate_limits.check_backoff(["account:x"])


def test_login_failure_event_names_the_user_if_known(clients, alice, outbox):
    UserFactory(email="gone@example.com", is_active=False, handle="gone")

    api_login(clients)
    api_login(clients, email="hunter2-typed-by-mistake@example.com")
    page_login(Client(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/140"), PASSWORD, email="gone@example.com")

    known, unknown, gone = outbox.payloads("user.login_failed")
    assert (known["user"]["id"], known["address"], known["actor"]) == (str(alice.pk), AWAY, None)
    assert unknown["user"] == {"id": "00000000-0000-0000-0000-000000000000"}
    assert (gone["user"]["email"], gone["device"]) == ("gone@example.com", "Firefox on Linux")
    assert "hunter2" not in str(Event.objects.values_list("payload", flat=True))
    assert not [key for key in redis.client().scan_iter() if "hunter2" in key or "alice" in key]


@pytest.mark.django_db(transaction=True)
def test_concurrent_login_attempts_are_limited_to_ten(alice):
    outcomes = run_concurrently([lambda: page_login(Client()).status_code] * 20)

    assert sorted(outcomes) == [422] * 10 + [429] * 10
    assert Event.objects.filter(name="user.login_failed").count() == 10
