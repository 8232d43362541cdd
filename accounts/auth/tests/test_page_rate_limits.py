"""Limits of pages: per user when signed in, per address for anonymous forms; monitoring and the API are not counted."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.fixtures import signed_in
from core import redis
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
TASK = {"title": "Water the plants"}


def test_pages_of_a_user_are_limited_over_all_browsers(alice, bob, settings):
    settings.PAGE_RATE = "4/m"
    first, second = logged_in_client(alice), logged_in_client(alice)

    assert [first.get("/settings/").status_code for _ in range(2)] == [200, 200]
    assert [second.get("/settings/").status_code for _ in range(2)] == [200, 200]
    before = table_digests()
    page = second.get("/settings/")
    posts = [first.post(path, TASK).status_code for path in ("/tasks/new/", "/settings/", "/admin/")]

    assert (page.status_code, posts, table_digests()) == (429, [429, 429, 429], before)
    assert 0 < int(page["Retry-After"]) <= 60
    assert "Too many attempts" in visible_text(page)
    assert logged_in_client(bob).get("/settings/").status_code == 200
    assert signed_in(alice).get("/api/v1/me/").status_code == 200


def test_limit_of_pages_ends_with_its_window(alice, settings):
    settings.PAGE_RATE = "1/m"
    browser = logged_in_client(alice)
    assert [browser.get("/settings/").status_code for _ in range(2)] == [200, 429]

    for name in redis.client().scan_iter("taskflow:uses:*"):
        assert 0 < redis.client().pttl(name) <= 60_000
        redis.client().pexpire(name, 1)
    time.sleep(0.05)

    assert browser.get("/settings/").status_code == 200


def test_anonymous_forms_are_limited_per_address(alice, settings):
    settings.ANONYMOUS_FORM_RATE = "2/m"
    data = {"email": alice.email}
    path = "/password/reset/"

    codes = [Client().post(path, data, REMOTE_ADDR="192.0.2.1").status_code for _ in range(3)]
    elsewhere = Client().post(path, data, REMOTE_ADDR="192.0.2.2")

    assert (codes, elsewhere.status_code) == ([302, 302, 429], 302)
    before = table_digests()
    for form in ("/login/", "/register/", "/verify-email/", "/login/passkey/"):
        assert Client().post(form, {}, REMOTE_ADDR="192.0.2.1").status_code == 429, form
    assert table_digests() == before
    assert [Client().get(path, REMOTE_ADDR="192.0.2.1").status_code for _ in range(5)] == [200] * 5


def test_monitoring_and_static_files_are_free(alice, settings):
    settings.PAGE_RATE = settings.ANONYMOUS_FORM_RATE = "1/m"
    browser = logged_in_client(alice)
    assert [browser.get("/settings/").status_code for _ in range(2)] == [200, 429]

    for path in ("/livez", "/readyz", "/health", "/metrics", "/static/css/base.css"):
        responses = [browser.get(path) for _ in range(3)]
        assert not {response.status_code for response in responses} - {200, 503}, path  # 503: no relay runs
        for response in responses:
            response.close()


def test_users_of_tier_load_have_no_limit(alice, settings):
    settings.PAGE_RATE = "1/m"
    User.objects.update(tier="load")
    browser = logged_in_client(alice)

    assert [browser.get("/settings/").status_code for _ in range(3)] == [200] * 3
