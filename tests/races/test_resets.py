"""One link for a lost password, used by many at once; and one that undoes, beside a sign-in."""

from __future__ import annotations

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from accounts import selectors, services
from accounts.models import User
from accounts.tests.factories import with_address
from accounts.tests.second_factors import with_passkey
from core.errors import NotFound
from core.testing.together import overlapping, together
from events.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
HEADLESS, PAGE = "/_allauth/app/v1/auth/password/reset", "/password/reset/new/"


def use(door: str, key: str, password: str) -> int:
    if door == PAGE:
        return Client().post(PAGE, {"key": key, "password1": password}).status_code
    return Client().post(HEADLESS, {"key": key, "password": password}, content_type="application/json").status_code


@pytest.mark.parametrize(("door", "done", "refused"), [(PAGE, 302, 404), (HEADLESS, 401, 400)])
def test_one_link_chooses_one_password(door, done, refused, alice):
    with_address(alice)
    key = f"{user_pk_to_url_str(alice)}-{default_token_generator.make_token(alice)}"
    tried = [f"a wider river turns {n}" for n in range(6)]

    codes = together([lambda password=password: use(door, key, password) for password in tried])

    assert sorted(codes) == sorted([done] + [refused] * 5)
    assert User.objects.get().check_password(tried[codes.index(done)])
    assert Event.objects.filter(name="user.updated").count() == 1


def test_a_reset_that_waited_for_another_finds_the_link_used(alice):
    with_address(alice)
    first, second = User.objects.get(), User.objects.get()
    now = timezone.now()

    one, two = overlapping(
        lambda: services.reset_password(person=first, password="a wider river turns", now=now),
        lambda: services.reset_password(person=second, password="another river turns", now=now),
    )

    assert (one, type(two)) == (None, NotFound)
    assert User.objects.get().check_password("a wider river turns")


def test_one_link_undoes_once(alice):
    with_passkey(alice)
    path = selectors.undo_of(alice, "webauthn_added") or ""
    token = path.partition("token=")[2].replace("%3A", ":")

    outcomes = together([lambda: services.undo_way_in(token=token, now=timezone.now())] * 6)

    assert sorted(type(one).__name__ for one in outcomes) == ["NotFound"] * 5 + ["User"]
    assert not Authenticator.objects.exists()
    assert Event.objects.filter(name="user.security_changed").count() == 1
