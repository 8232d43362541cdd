"""Concurrent use of one password reset link and of one revert link."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.login_methods import services as login_methods
from accounts.auth.one_time_tokens import make_reset_key
from accounts.auth.passwords import services as passwords
from accounts.models import User
from accounts.tests.factories import with_email_address
from accounts.tests.mfa import with_passkey
from core.errors import NotFound
from core.testing.concurrency import interleave, run_concurrently
from events.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
API_PATH, PAGE_PATH = "/api/v1/auth/password-reset/confirm/", "/password/reset/new/"


def submit_reset(path: str, key: str, password: str) -> int:
    if path == PAGE_PATH:
        return Client().post(PAGE_PATH, {"key": key, "password": password}).status_code
    return Client().post(API_PATH, {"key": key, "password": password}, content_type="application/json").status_code


@pytest.mark.parametrize(("path", "done", "refused"), [(PAGE_PATH, 302, 404), (API_PATH, 204, 404)])
def test_reset_link_sets_one_password(path, done, refused, alice):
    with_email_address(alice)
    key = make_reset_key(alice)
    passwords_tried = [f"a wider river turns {n}" for n in range(6)]

    codes = run_concurrently(
        [lambda password=password: submit_reset(path, key, password) for password in passwords_tried]
    )

    assert sorted(codes) == sorted([done] + [refused] * 5)
    assert User.objects.get().check_password(passwords_tried[codes.index(done)])
    assert Event.objects.filter(name="user.updated").count() == 1


def test_reset_that_waited_for_another_is_refused(alice):
    with_email_address(alice)
    first, second = User.objects.get(), User.objects.get()
    now = timezone.now()

    first_outcome, second_outcome = interleave(
        lambda: passwords.reset_password(user=first, password="a wider river turns", now=now),
        lambda: passwords.reset_password(user=second, password="another river turns", now=now),
    )

    assert (first_outcome, type(second_outcome)) == (None, NotFound)
    assert User.objects.get().check_password("a wider river turns")


def test_revert_link_works_once(alice):
    with_passkey(alice)
    path = login_methods_selectors.revert_link_for_mfa_method(alice, "webauthn_added") or ""
    token = path.partition("token=")[2].replace("%3A", ":")

    outcomes = run_concurrently([lambda: login_methods.revert_login_method(token=token, now=timezone.now())] * 6)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotFound"] * 5 + ["User"]
    assert not Authenticator.objects.exists()
    assert Event.objects.filter(name="user.security_changed").count() == 1
