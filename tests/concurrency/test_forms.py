"""The same form of a page, sent several times at once."""

from __future__ import annotations

from copy import deepcopy

import pytest
from django.test import Client

from accounts.models import ApiKey, Invitation, User
from accounts.tests.factories import PASSWORD
from core.testing.concurrency import run_concurrently
from core.testing.page_client import logged_in_client
from notifications.models import OutgoingEmail
from tasks.models import Comment, Project, Task

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "0f0e0d0c-0b0a-4908-8706-050403020100"
FORMS = {
    "/tasks/new/": (Task, {"title": "New"}),
    "/tasks/OPS-1/subtasks/": (Task, {"title": "New"}),
    "/tasks/OPS-1/comments/": (Comment, {"body": "New"}),
    "/projects/new/": (Project, {"name": "New", "key": "NEW"}),
    "/projects/OPS/invitations/": (Invitation, {"email": "new@example.com", "role": "viewer"}),
    "/settings/api-keys/": (ApiKey, {"name": "New", "days": "30", "scopes": ["tasks:read"]}),
}


@pytest.mark.parametrize("path", FORMS)
def test_form_sent_four_times_at_once_is_one_write(path, task, alice):
    model, data = FORMS[path]
    before = model.objects.count()
    browser = logged_in_client(alice)
    browser.post("/reauthenticate/", {"password": PASSWORD})
    clients = [logged_in_client(alice) for _ in range(4)]
    for client in clients:
        client.cookies = browser.cookies

    responses = run_concurrently(lambda c=c: c.post(path, data | {"idempotency_key": KEY}) for c in clients)

    assert {response.status_code for response in responses} <= {200, 302}
    assert len({response.get("Location") for response in responses}) == 1
    assert len({response.content for response in responses}) == 1
    assert model.objects.count() == before + 1
    assert sum("Idempotency-Replayed" in response for response in responses) == 3


@pytest.mark.parametrize(
    ("path", "data", "emails"),
    [
        ("/register/", {"email": "new@example.com", "name": "New", "password": PASSWORD}, 1),
        ("/password/reset/", {"email": "alice@example.com"}, 1),
    ],
)
def test_anonymous_form_sent_four_times_at_once_is_one_write(path, data, emails, alice):
    before = User.objects.count()
    browser = Client()
    browser.get(path)
    clients = [Client() for _ in range(4)]
    for client in clients:
        client.cookies = deepcopy(browser.cookies)

    responses = run_concurrently(lambda c=c: c.post(path, data | {"idempotency_key": KEY}) for c in clients)

    assert {(response.status_code, response["Location"]) for response in responses} == {(302, responses[0]["Location"])}
    assert sum("Idempotency-Replayed" in response for response in responses) == 3
    assert User.objects.count() == before + (path == "/register/")
    assert OutgoingEmail.objects.count() == emails
