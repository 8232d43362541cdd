"""Forms of pages that are sent again: by a double click, a reload, or after going back."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.api.idempotency import RETENTION
from core.models import IdempotencyRecord
from core.testing.page_client import logged_in_client, visible_text
from tasks.models import Comment, Task
from tests.permissions.page_forms import FORM_DATA
from tests.permissions.page_scenarios import PageScenarios, build_path, form_data

pytestmark = pytest.mark.django_db
KEY = "0f0e0d0c-0b0a-4908-8706-050403020100"
# Signing in and out, confirming and links of emails, which are valid once: they check a credential, or end or change the
# browser's own session.
NOT_IDEMPOTENT = {
    "login/",
    "login/mfa/",
    "login/passkey/",
    "login/with/{provider_id}/",
    "logout/",
    "reauthenticate/",
    "reauthenticate/code/",
    "reauthenticate/passkey/",
    "tasks/preview/",
    "tasks/quick-add/preview/",
    "password/reset/new/",
    "revert-login-method/",
}


def rendered_key(page, action):
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', page.content.decode(), re.DOTALL)[0]
    return re.search(r'name="idempotency_key" value="([^"]+)"', form)[1]


def test_post_forms_all_have_a_key():
    without = [
        path.name
        for path in Path(settings.BASE_DIR, "templates").rglob("*.html")
        for form in re.findall(r'<form[^>]*method="post".*?</form>', path.read_text(), re.DOTALL)
        if "{% idempotency_key %}" not in form
    ]

    assert without == []


def test_form_sent_again_gets_the_first_redirect(task, bob):
    browser = logged_in_client(bob)
    data = {"title": "Buy milk", "idempotency_key": rendered_key(browser.get("/tasks/new/"), "/tasks/new/")}

    first, second = (browser.post("/tasks/new/", data) for _ in range(2))

    assert second["Location"] == first["Location"]
    assert Task.objects.filter(title="Buy milk").count() == 1
    assert visible_text(browser.get(second["Location"])).count("created.") == 1


def test_other_words_or_another_page_are_another_write(task, bob):
    browser = logged_in_client(bob)
    for path, body in (("OPS-1", "One"), ("OPS-1", "Two"), ("OPS-1", "One")):
        browser.post(f"/tasks/{path}/comments/", {"body": body, "idempotency_key": KEY})
    browser.post("/tasks/OPS-1/comments/", {"body": "One", "idempotency_key": KEY[::-1]})

    assert sorted(Comment.objects.values_list("body", flat=True)) == ["One", "One", "Two"]


def test_refused_form_may_be_sent_again(task, bob, alice):
    browser = logged_in_client(bob)
    data = {"name": "New", "key": "NEW", "idempotency_key": KEY}
    logged_in_client(alice).post("/projects/new/", {"name": "Other", "key": "NEW"})

    refused = browser.post("/projects/new/", data)
    task.project.__class__.objects.get(key="NEW").delete()
    accepted = browser.post("/projects/new/", data)

    assert (refused.status_code, accepted.status_code) == (422, 302)


def test_key_of_another_user_or_an_old_one_is_a_new_write(task, bob, alice):
    data = {"body": "Same", "idempotency_key": KEY}
    for user in (bob, alice):
        logged_in_client(user).post("/tasks/OPS-1/comments/", data)
    IdempotencyRecord.objects.update(created_at=timezone.now() - RETENTION * 2)
    logged_in_client(bob).post("/tasks/OPS-1/comments/", data)

    assert Comment.objects.count() == 3


def test_unfinished_form_is_not_stored(alice):
    browser = logged_in_client(alice)

    response = browser.post(
        "/settings/api-keys/", {"name": "Key", "days": "30", "scopes": ["tasks:read"], "idempotency_key": KEY}
    )

    assert response["Location"].startswith("/reauthenticate/")
    assert IdempotencyRecord.objects.count() == 0


def test_stored_response_is_encrypted(alice):
    browser = logged_in_client(alice)
    browser.post("/tasks/new/", {"title": "Secret words", "idempotency_key": KEY})

    assert b"Secret" not in bytes(IdempotencyRecord.objects.get().body)


@pytest.fixture(scope="module")
def scenarios(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield PageScenarios()
        transaction.set_rollback(True)


def test_forms_sent_again_are_all_replayed(scenarios, subtests):
    sample_values, replayed = scenarios.scenarios["own"], set()
    for path in sorted(set(FORM_DATA) - NOT_IDEMPOTENT):
        for actor in ("alice", "admin"):
            with subtests.test(path), scenarios.probe.rollback():
                browser = scenarios.browsers[actor]
                cookies = deepcopy(browser.cookies)
                first, second = (send(browser, path, sample_values) for _ in range(2))
                browser.cookies = cookies

                # A form that ends the session has no second request; one that asks for the identity did nothing yet.
                is_replayed = "Idempotency-Replayed" in second
                assert is_replayed or first.status_code >= 400 or "/login/" in second["Location"]
                if is_replayed:
                    replayed.add(path)
                    assert (second.status_code, second.get("Location")) == (first.status_code, first.get("Location"))
    assert len(replayed) > 45


def send(browser, path, sample_values):
    data = form_data(path, sample_values) | {"idempotency_key": KEY}
    return browser.post(build_path(f"POST {path}", sample_values), data)
