"""Recent login: the API operations and pages whose effect outlives the session (`requires_recent_login`)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.auth.reauthentication import REAUTHENTICATE_PATH
from accounts.auth.tokens import issue_tokens
from accounts.models import User
from accounts.tests.factories import SessionFactory
from accounts.tests.fixtures import ApiClient
from accounts.tests.mfa import with_totp
from core.api.endpoints import endpoint_of
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from tests.api_operations import schema_operation
from tests.permissions.api_scenarios import OPERATIONS, request_kwargs

# Each operation that declares it, and the page that does the same.
PAGES = {
    "POST api-keys/": "settings-api-keys",
    "POST api-keys/{key_id}/rotate/": "api-key-rotate",
    "POST service-accounts/{account_id}/keys/": "service-account",
    "PATCH service-accounts/{account_id}/": "service-account-activation",
    "PATCH directory/{user_id}/": "user-detail",
    "POST me/exports/": "export-request",
    "GET me/exports/{export_id}/archive/": "export-download",
    "POST me/deletion/": "delete-account",
}
KEY = {"name": "n8n", "days": "30", "scopes": ["tasks:read"], "allowed_networks": ""}
# What the form of a page has to hold; the others have none.
FORM_DATA = {
    "settings-api-keys": KEY,
    "service-account": KEY,
    "user-detail": {"role": "staff"},
    "delete-account": {"confirmation": "{email}"},
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def authenticated_client(request, request_builder):
    """Who may do this if they prove who they are: with a second factor and, to leave without saying one, no password."""

    def found(name):
        user = request.getfixturevalue(request_builder.door(OPERATIONS[name]))
        if name == "POST me/deletion/":
            User.objects.filter(pk=user.pk).update(password="!")
        return with_totp(User.objects.get(pk=user.pk))

    return found


def test_declared_operations_are_those_with_a_page():
    declared = {
        name
        for name, operation in OPERATIONS.items()
        if operation.view and endpoint_of(operation.view.as_view()).needs_recent_login(operation.method)
    }

    assert declared == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_the_api_refuses_a_session_that_proved_nothing_lately(name, request_builder, authenticated_client):
    session = SessionFactory(user=authenticated_client(name), created_at=timezone.now() - timedelta(hours=1))
    program, operation = ApiClient(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(session).access}"), OPERATIONS[name]
    before = table_digests()

    answer = program.generic(
        operation.method, request_builder.url(operation), **request_kwargs(request_builder, operation)
    )

    assert (answer.status_code, answer.json()["code"], REAUTHENTICATE_PATH in answer.json()["detail"]) == (
        403,
        "reauthentication_required",
        True,
    )
    assert table_digests() == before


def test_to_ask_for_the_head_of_an_archive_is_to_ask_for_it(request_builder, authenticated_client):
    name = "GET me/exports/{export_id}/archive/"
    session = SessionFactory(user=authenticated_client(name), created_at=timezone.now() - timedelta(hours=1))
    program = ApiClient(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(session).access}")

    assert program.head(request_builder.url(OPERATIONS[name])).status_code == 403


@pytest.mark.parametrize("name", PAGES)
def test_the_page_leads_a_browser_that_proved_nothing_lately_to_the_door_for_it(
    name, request_builder, authenticated_client
):
    user, page = authenticated_client(name), PAGES[name]
    browser = logged_in_client(user)
    holes = {"user_id": request_builder.sample_values["user:directory"], **request_builder.sample_values}
    url = reverse(page, args=[holes[hole] for hole in re.findall(r"{(\w+)}", name)] if "{" in name else [])
    form = {
        key: value.format(email=user.email) if key == "confirmation" else value
        for key, value in FORM_DATA.get(page, {}).items()
    }
    before = table_digests()

    answer = browser.get(url) if name.startswith("GET ") else browser.post(url, form)

    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/reauthenticate/code/")
    assert table_digests() == before


def test_the_document_says_of_these_and_no_others_that_they_ask_for_a_proof():
    told = {
        name
        for name, one in OPERATIONS.items()
        if "reauthentication_required" in str(schema_operation(one).get("responses", ""))
    }

    assert told == set(PAGES)
