"""API operations and pages whose effect outlives the session need a recent login (`requires_recent_login`)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.auth.reauthentication import REAUTHENTICATE_PATH
from accounts.auth.sessions.services import issue_tokens
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
PAGE_BY_OPERATION = {
    "POST api-keys/": "settings-api-keys",
    "POST api-keys/{key_id}/rotate/": "api-key-rotate",
    "POST service-accounts/{account_id}/keys/": "service-account",
    "PATCH service-accounts/{account_id}/": "service-account-activation",
    "PATCH directory/{user_id}/": "user-detail",
    "POST me/exports/": "export-request",
    "GET me/exports/{export_id}/archive/": "export-download",
    "POST me/deletion/": "delete-account",
    "POST me/email/": "account_email",
    "POST me/password/": "account_set_password",
    "DELETE me/identities/{identity_id}/": "identity-unlink",
    "POST me/mfa/totp/": "mfa_activate_totp",
    "POST me/mfa/totp/confirm/": "mfa_activate_totp",
    "DELETE me/mfa/totp/": "mfa_deactivate_totp",
    "POST me/mfa/recovery-codes/": "mfa_generate_recovery_codes",
    "DELETE me/mfa/passkeys/{passkey_id}/": "mfa_remove_webauthn",
}
API_KEY_FORM = {"name": "n8n", "days": "30", "scopes": ["tasks:read"], "allowed_networks": ""}
# The data of the pages that have a form; the others need none.
FORM_DATA = {
    "settings-api-keys": API_KEY_FORM,
    "service-account": API_KEY_FORM,
    "user-detail": {"role": "staff"},
    "delete-account": {"confirmation": "{email}"},
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def actor_for(request, request_builder, admin):
    """Return the user who may do this with a recent login; without a password where the password would be enough."""

    def get_user(name):
        user = request.getfixturevalue(request_builder.actor_for(OPERATIONS[name]))
        if name in {"POST me/deletion/", "POST me/password/"}:
            User.objects.filter(pk=user.pk).update(password="!")
        return with_totp(User.objects.get(pk=user.pk))

    return get_user


def stale_api_client(user):
    session = SessionFactory(user=user, created_at=timezone.now() - timedelta(hours=1))
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(session).access}")


def test_declared_operations_have_a_page():
    declared = {
        name
        for name, operation in OPERATIONS.items()
        if operation.view and endpoint_of(operation.view.as_view()).needs_recent_login(operation.method)
    }

    assert declared == set(PAGE_BY_OPERATION)


def test_api_refuses_session_without_recent_login(request_builder, actor_for, db_subtest):
    for name in PAGE_BY_OPERATION:
        with db_subtest(name):
            client, operation = stale_api_client(actor_for(name)), OPERATIONS[name]
            before = table_digests()

            response = client.generic(
                operation.method, request_builder.url(operation), **request_kwargs(request_builder, operation)
            )

            assert (response.status_code, response.json()["code"]) == (403, "reauthentication_required")
            assert REAUTHENTICATE_PATH in response.json()["detail"]
            assert table_digests() == before


def test_head_of_export_requires_recent_login(request_builder, actor_for):
    name = "GET me/exports/{export_id}/archive/"

    response = stale_api_client(actor_for(name)).head(request_builder.url(OPERATIONS[name]))

    assert response.status_code == 403


def test_page_redirects_session_without_recent_login(request_builder, actor_for, db_subtest):
    sample_values = {
        "user_id": request_builder.sample_values["user:directory"],
        **request_builder.sample_values,
    }
    for name, page in PAGE_BY_OPERATION.items():
        with db_subtest(name):
            user = actor_for(name)
            browser = logged_in_client(user)
            url = reverse(
                page, args=[sample_values[key] for key in re.findall(r"{(\w+)}", name)] if "{" in name else []
            )
            data = {key: user.email if value == "{email}" else value for key, value in FORM_DATA.get(page, {}).items()}
            before = table_digests()

            response = browser.get(url) if name.startswith("GET ") else browser.post(url, data)

            assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/reauthenticate/code/")
            assert table_digests() == before


def test_schema_documents_recent_login_for_listed_operations():
    documented = {
        name
        for name, operation in OPERATIONS.items()
        if "reauthentication_required" in str(schema_operation(operation).get("responses", ""))
    }

    assert documented == set(PAGE_BY_OPERATION)
