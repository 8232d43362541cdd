"""How long login failures are stored, and how many attempts that allows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.auth.tests.test_login_throttling import HOME, api_login, api_login_with_code, clear_backoff
from accounts.tests.factories import PASSWORD
from accounts.tests.mfa import code_at, with_totp
from core import redis
from core.testing.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
DAY = 24 * 3600


def max_backoff():
    """Return the longest backoff in seconds; on the frozen clock, its TTL is its full length."""
    names = [*redis.client().scan_iter("taskflow:backoff:mfa:*")]
    names += redis.client().scan_iter("taskflow:backoff:account:*")
    return max((-(-redis.client().pttl(name) // 1000) for name in names), default=0)


def failure_ttls(bucket):
    """Return the TTLs, in seconds, of the failures just recorded."""
    names = redis.client().scan_iter(f"taskflow:failures:{bucket}")
    return {-(-redis.client().pttl(name) // 1000) for name in names}


def test_mfa_codes_are_limited_to_29_then_6_a_day(clients, alice, no_window_limits):
    with_totp(alice)
    assert api_login_with_code(clients, code_at(NOW - timedelta(seconds=30)), address=HOME).status_code == 200
    attempts, waited, ttls = 0, 0, set()
    days = [0, 0]

    while waited < 2 * DAY:
        assert api_login_with_code(clients, address=f"198.51.100.{attempts}").status_code == 401
        attempts, days[waited // DAY] = attempts + 1, days[waited // DAY] + 1
        waited += max_backoff()
        ttls |= failure_ttls("mfa:*")
        clear_backoff()

    assert days == [29, 6]
    assert ttls == {DAY}
    assert api_login_with_code(clients, code_at(NOW), address=HOME).status_code == 200


def test_password_backoff_is_at_most_15_minutes(clients, alice, no_window_limits):
    waits = []
    for number in range(22):
        assert api_login(clients, address=f"198.51.100.{number}").status_code == 401
        waits.append(max_backoff())
        assert failure_ttls("account:*") == {3600}
        clear_backoff()

    assert waits == [0] * 10 + [1 << number for number in range(10)] + [900] * 2


@pytest.mark.parametrize(
    ("field", "secret", "mfa_ttls", "account_ttls"),
    [("code", code_at(NOW), {DAY}, set()), ("password", PASSWORD, set(), {3600})],
)
def test_reauthentication_failures_count_per_kind_until_success(field, secret, mfa_ttls, account_ttls, clients, alice):
    client = clients["alice"]
    if field == "code":
        with_totp(alice)
    client.post("/api/v1/auth/reauthenticate/", {field: "000000"})
    stored = failure_ttls("mfa:*"), failure_ttls("account:*")

    response = client.post("/api/v1/auth/reauthenticate/", {field: secret})

    assert stored == (mfa_ttls, account_ttls)
    assert response.status_code == 200
    assert (failure_ttls("mfa:*"), failure_ttls("account:*")) == (set(), set())
