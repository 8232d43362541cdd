"""Hostile values in every field of every form: refused or taken, never an error of the server."""

from __future__ import annotations

import pytest
from django.db import transaction

from core.testing.cache import reset_redis
from tests.permissions.page_forms import FORM_DATA
from tests.permissions.page_scenarios import PageScenarios, build_path, form_data

HOSTILE_VALUES = {
    "over-long": "x" * 70_000,
    "61 characters": "x" * 61,
    "NUL": "a\x00b",
    "control characters": "a\x1b[31m\x07\r\nb",
    "bidi control": "\u202ea",
    "invisible": "\u200b\u200b",
    "beyond the basic plane": "\U0001f600" * 700,
    "huge number": "9" * 400,
    "other digits": "٣",
    "far date": "99999-12-31",
    "empty": "",
}
# Fields of forms that stand beside those with the valid data.
MORE_FIELDS = {
    "tasks/new/": ("labels", "description", "priority", "assignee", "due_date"),
    "tasks/{key}/": (
        *("labels", "description", "priority", "assignees", "due_date", "due_time", "start_date", "estimate", "parent"),
        *("version", "initial-labels", "initial-due_date", "initial-due_time", "initial-priority", "initial-estimate"),
        *("initial-assignees", "initial-parent", "initial-description"),
    ),
    "tasks/{key}/status/": ("version", "initial-status", "next"),
    "projects/{key}/edit/": ("description", "version", "archive", "initial-name"),
    "projects/new/": ("description",),
    "tasks/{key}/comments/{comment_id}/": ("version",),
    "inbox/read/": ("until",),
    "inbox/{notification_id}/read/": ("next",),
    "login/": ("next",),
    "settings/": ("initial-time_zone", "initial-name", "shortcuts"),
    "settings/api-keys/": ("projects", "allowed_networks"),
    "import/": ("staged_file",),
    "people/{user_id}/": ("version", "is_active"),
    "people/invitations/": ("role", "teams", "message"),
}
EXPECTED_STATUSES = {200, 302, 400, 403, 404, 409, 413, 422, 429}

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def scenarios(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield PageScenarios()
        transaction.set_rollback(True)


@pytest.mark.parametrize("path", sorted(FORM_DATA))
def test_form_survives_hostile_values(path, scenarios):
    sample_values = scenarios.scenarios["own"]
    actor = "admin" if path.startswith(("people/", "settings/service-accounts/")) else "alice"
    browser, outcomes = scenarios.browsers[actor], {}
    cookies = dict(browser.cookies)
    browser.raise_request_exception = False
    for field in ("idempotency_key", *FORM_DATA[path], *MORE_FIELDS.get(path, ())):
        for name, value in HOSTILE_VALUES.items():
            reset_redis()
            sid = transaction.savepoint()
            response = browser.post(
                build_path(f"POST {path}", sample_values), form_data(path, sample_values) | {field: value}
            )
            transaction.savepoint_rollback(sid)
            browser.cookies.clear()
            browser.cookies.update(cookies)
            if response.status_code not in EXPECTED_STATUSES:
                outcomes[field, name] = response.status_code

    assert outcomes == {}
