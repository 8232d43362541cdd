"""Forms of the admin and of anonymous users sent twice, and refusals of forms."""

from __future__ import annotations

import re
from copy import deepcopy

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.test import Client

from accounts.models import Team, User
from accounts.tests.factories import PASSWORD
from core.api.idempotency import run_idempotent
from core.errors import Busy, NotAllowed, RateLimited
from core.form_idempotency import idempotent_form
from core.models import IdempotencyRecord
from core.testing.page_client import logged_in_client
from tasks.models import Comment
from tests.permissions.page_forms import FORM_DATA

pytestmark = pytest.mark.django_db
KEY = "0f0e0d0c-0b0a-4908-8706-050403020100"


def csrf_browser():
    """Return a signed-out browser with a CSRF cookie, like each that has loaded a form."""
    browser = Client()
    browser.get("/register/")
    return browser


def test_add_form_of_the_admin_sent_again_is_one_write(admin):
    browser = logged_in_client(admin)
    page = browser.get("/admin/accounts/team/add/").content.decode()
    data = {"idempotency_key": re.search(r'name="idempotency_key" value="([^"]+)"', page)[1]}
    data |= dict.fromkeys(re.findall(r'name="(\w+-TOTAL_FORMS|\w+-INITIAL_FORMS)"', page), "0")

    for changes in ({"name": "Night shift"}, {"name": "Day shift", "_popup": "1"}):
        first, second = (browser.post("/admin/accounts/team/add/", data | changes) for _ in range(2))
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert "Idempotency-Replayed" in second
        assert Team.objects.filter(name=changes["name"]).count() == 1

    assert 'name="idempotency_key"' in browser.get("/admin/accounts/team/").content.decode()


def test_registration_sent_again_gets_the_first_redirect(db):
    browser = csrf_browser()
    # The response of the first click never reaches the browser, so its cookies do not either.
    cookies = deepcopy(browser.cookies)
    data = FORM_DATA["register/"] | {"idempotency_key": KEY}

    first = browser.post("/register/", data)
    browser.cookies = cookies
    second = browser.post("/register/", data)

    assert (first.status_code, second.status_code, second["Location"]) == (302, 302, first["Location"])
    assert "Idempotency-Replayed" in second
    assert "_auth_user_id" not in browser.session
    assert User.objects.filter(email="new@example.com").count() == 1


def test_anonymous_form_is_replayed_to_its_browser_alone(alice):
    data = {"email": alice.email, "idempotency_key": KEY}
    browser, other = csrf_browser(), csrf_browser()

    responses = [client.post("/password/reset/", data) for client in (browser, browser, other)]

    assert ["Idempotency-Replayed" in response for response in responses] == [False, True, False]
    assert [response.status_code for response in responses] == [302, 302, 302]


def test_forms_that_check_a_credential_are_never_replayed(alice):
    browser = csrf_browser()
    cookies = deepcopy(browser.cookies)
    for data in ({"email": alice.email, "password": PASSWORD}, {"email": alice.email, "password": "wrong"}):
        for _ in range(2):
            response = browser.post("/login/", data | {"idempotency_key": KEY})
            browser.cookies = deepcopy(cookies)
            assert "Idempotency-Replayed" not in response
    assert IdempotencyRecord.objects.count() == 0


@pytest.mark.parametrize("way", ["form", "API"])
def test_record_of_a_refusal_survives_and_its_work_does_not(way, alice, bob, task, rf):
    """The view notes an attempt; its service has begun to write when it refuses."""

    def refuse(request):
        Comment.objects.create(task=task, author=bob, body="Noted attempt")
        with transaction.atomic():
            Comment.objects.create(task=task, author=bob, body="Half done")
            raise request.error

    def send(error):
        request = rf.post("/", {"idempotency_key": KEY})
        request.user, request.error = alice, error
        if way == "form":
            return idempotent_form(refuse)(request)
        request.data = {}
        return run_idempotent("key", refuse, False, request)

    for error in (NotAllowed("No."), RateLimited(), PermissionDenied(), Http404()):
        Comment.objects.all().delete()
        with pytest.raises(type(error)):
            send(error)
        assert list(Comment.objects.values_list("body", flat=True)) == ["Noted attempt"], error
    for error in (ValueError("defect"), Busy("Locked.")):
        Comment.objects.all().delete()
        with pytest.raises(type(error)):
            send(error)
        assert not Comment.objects.exists(), error
    assert IdempotencyRecord.objects.count() == 0
