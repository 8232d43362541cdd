"""What outlives a session asks for a fresh proof at both doors: accounts.proofs is the table, and this holds them to it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.proofs import DOOR, NEEDS_PROOF
from accounts.tests.factories import SessionFactory
from accounts.tests.fixtures import ApiClient
from accounts.tests.second_factors import with_app
from accounts.tokens import pair_for
from core.testing.pages import browser_of
from core.testing.state import fingerprint
from tests.endpoints import described
from tests.places import OPERATIONS, sent

OPERATION = {re.sub(r"<\w+:(\w+)>", r"{\1}", name): page for name, page in NEEDS_PROOF.items()}
KEY = {"name": "n8n", "days": "30", "scopes": ["tasks:read"], "addresses": ""}
# What the form of a page has to hold; the others have none.
FORMS = {
    "settings-keys": KEY,
    "service-account": KEY,
    "person": {"role": "staff"},
    "leave": {"confirmation": "{email}"},
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def asker(request, scene):
    """Who may do this if they prove who they are: with a second factor and, to leave without saying one, no password."""

    def found(name):
        person = request.getfixturevalue(scene.door(OPERATIONS[name]))
        if name == "POST me/departure/":
            User.objects.filter(pk=person.pk).update(password="!")
        return with_app(User.objects.get(pk=person.pk))

    return found


def test_every_name_of_the_table_is_an_operation():
    assert set(OPERATION) <= set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATION)
def test_the_api_refuses_a_session_that_proved_nothing_lately(name, scene, asker):
    session = SessionFactory(user=asker(name), created_at=timezone.now() - timedelta(hours=1))
    program, operation = ApiClient(HTTP_AUTHORIZATION=f"Bearer {pair_for(session).access}"), OPERATIONS[name]
    before = fingerprint()

    answer = program.generic(operation.method, scene.url(operation), **sent(scene, operation))

    assert (answer.status_code, answer.json()["code"], DOOR in answer.json()["detail"]) == (403, "proof_required", True)
    assert fingerprint() == before


def test_to_ask_for_the_head_of_an_archive_is_to_ask_for_it(scene, asker):
    name = "GET me/exports/{export_id}/archive/"
    session = SessionFactory(user=asker(name), created_at=timezone.now() - timedelta(hours=1))
    program = ApiClient(HTTP_AUTHORIZATION=f"Bearer {pair_for(session).access}")

    assert program.head(scene.url(OPERATIONS[name])).status_code == 403


@pytest.mark.parametrize("name", OPERATION)
def test_the_page_leads_a_browser_that_proved_nothing_lately_to_the_door_for_it(name, scene, asker):
    person, page = asker(name), OPERATION[name]
    browser = browser_of(person)
    holes = {"user_id": scene.things["user:directory"], **scene.things}
    url = reverse(page, args=[holes[hole] for hole in re.findall(r"{(\w+)}", name)] if "{" in name else [])
    form = {
        key: value.format(email=person.email) if key == "confirmation" else value
        for key, value in FORMS.get(page, {}).items()
    }
    before = fingerprint()

    answer = browser.get(url) if name.startswith("GET ") else browser.post(url, form)

    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/confirm/code/")
    assert fingerprint() == before


def test_the_document_says_of_these_and_no_others_that_they_ask_for_a_proof():
    told = {name for name, one in OPERATIONS.items() if "proof_required" in str(described(one).get("responses", ""))}

    assert told == set(OPERATION)
