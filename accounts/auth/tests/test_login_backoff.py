"""How long wrong codes and wrong passwords are remembered, and so how many somebody gets to try."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.auth.tests.test_login_throttling import HOME, api, both, wait_out
from accounts.tests.factories import PASSWORD
from accounts.tests.mfa import code_at, with_totp
from core import redis
from core.testing.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
DAY = 24 * 3600


@pytest.fixture
def unhurried(settings):
    """Leave the growing wait alone: no limit within a window comes before it."""
    settings.LOGIN_RATE_PER_ADDRESS = settings.LOGIN_RATE_PER_ACCOUNT = settings.MFA_RATE = "1000/m"


def told_to_wait():
    """Return how many seconds the strangers of an account have to wait: what is left was whole when time stands still."""
    names = [*redis.client().scan_iter("taskflow:backoff:mfa:*")]
    names += redis.client().scan_iter("taskflow:backoff:account:*")
    return max((-(-redis.client().pttl(name) // 1000) for name in names), default=0)


def kept_for(bucket):
    """Return for how many seconds failures are remembered that were noted just now."""
    names = redis.client().scan_iter(f"taskflow:failures:{bucket}")
    return {-(-redis.client().pttl(name) // 1000) for name in names}


def test_who_knows_the_password_tries_twenty_nine_codes_on_the_first_day_and_six_on_any_other(
    clients, alice, unhurried
):
    with_totp(alice)
    assert both(clients, code_at(NOW - timedelta(seconds=30)), address=HOME).status_code == 200
    tries, waited, forgotten_after = 0, 0, set()
    days = [0, 0]

    while waited < 2 * DAY:
        assert both(clients, address=f"198.51.100.{tries}").status_code == 401
        tries, days[waited // DAY] = tries + 1, days[waited // DAY] + 1
        waited += told_to_wait()
        forgotten_after |= kept_for("mfa:*")
        wait_out()

    assert days == [29, 6]
    assert forgotten_after == {DAY}
    assert both(clients, code_at(NOW), address=HOME).status_code == 200


def test_wrong_passwords_are_forgotten_within_the_hour_and_make_nobody_wait_longer_than_a_quarter(
    clients, alice, unhurried
):
    waits = []
    for number in range(22):
        assert api(clients, address=f"198.51.100.{number}").status_code == 401
        waits.append(told_to_wait())
        assert kept_for("account:*") == {3600}
        wait_out()

    assert waits == [0] * 10 + [1 << number for number in range(10)] + [900] * 2


@pytest.mark.parametrize(
    ("field", "right", "codes", "passwords"),
    [("code", code_at(NOW), {DAY}, set()), ("password", PASSWORD, set(), {3600})],
)
def test_a_wrong_proof_is_remembered_as_what_it_was_and_a_right_one_ends_that(
    field, right, codes, passwords, clients, alice
):
    program = clients["alice"]
    if field == "code":
        with_totp(alice)
    program.post("/api/v1/auth/reauthenticate/", {field: "000000"})
    remembered = kept_for("mfa:*"), kept_for("account:*")

    answer = program.post("/api/v1/auth/reauthenticate/", {field: right})

    assert remembered == (codes, passwords)
    assert answer.status_code == 200
    assert (kept_for("mfa:*"), kept_for("account:*")) == (set(), set())
