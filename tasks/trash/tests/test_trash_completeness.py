"""Completeness of the trash: whatever the API deletes is restored from it, or comes back otherwise as the docs say."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.testing.database_state import table_digests
from tasks.models import TrashEntry
from tests.api_operations import operations

pytestmark = pytest.mark.django_db
DOCUMENTATION = Path(__file__).resolve().parents[3] / "docs" / "trash.md"
TRASHED = {
    "projects/{ref}/": "project",
    "projects/{ref}/fields/{field_id}/": "custom_field",
    "projects/{ref}/sections/{section_id}/": "section",
    "projects/{ref}/states/{state_id}/": "state",
    "projects/{ref}/templates/{template_id}/": "task_template",
    "fields/{shared_field_id}/": "custom_field",
    "fields/{field_id}/options/{option_id}/": "custom_field_option",
    "labels/{label_id}/": "label",
    "saved-filters/{filter_id}/": "saved_filter",
    "tasks/{ref}/": "task",
    "tasks/{ref}/attachments/{attachment_id}/": "attachment",
    "tasks/{ref}/checklist/{item_id}/": "checklist_item",
    "tasks/{ref}/comments/{comment_id}/": "comment",
    "tasks/{ref}/recurrence/": "recurrence",
    "tasks/{ref}/relations/{relation_id}/": "task_relation",
    "tasks/{ref}/reminders/{reminder_id}/": "reminder",
    "tasks/{ref}/time-entries/{time_entry_id}/": "time_entry",
}
# Access, and choices of one user, which the opposite request brings back; each is listed in the documentation.
REVERSED = {
    "me/calendar-feed/",
    "projects/{ref}/archive/",
    "projects/{ref}/members/{user_id}/",
    "projects/{ref}/shared-fields/{shared_field_id}/",
    "projects/{ref}/teams/{team_id}/",
    "saved-filters/{filter_id}/subscription/",
    "tasks/{ref}/comments/{comment_id}/reactions/{emoji}/",
    "tasks/{ref}/links/{link_id}/",
    "tasks/{ref}/reactions/{emoji}/",
    "tasks/{ref}/shares/{user_id}/",
}
DELETIONS = {
    operation.path: operation
    for operation in operations()
    if operation.method == "DELETE" and operation.view.__module__.startswith("tasks.")
}
# Written by every write, or rebuilt after it.
LOG_TABLES = {"events_event", "tasks_trashentry"}


def test_deletions_are_all_trashed_or_documented_as_reversed():
    documentation = DOCUMENTATION.read_text()

    assert set(DELETIONS) - {"trash/{entry_id}/"} == set(TRASHED) | REVERSED
    assert set(TRASHED.values()) == set(TrashEntry.Kind.values)
    assert [path for path in REVERSED if f"`{path}`" not in documentation] == []
    assert [kind for kind in TrashEntry.Kind.values if f"`{kind}`" not in documentation] == []


def changed_tables(before, after):
    return {table for table in before if before[table] != after[table]} - LOG_TABLES


def test_deleted_objects_come_back_once_with_all_rows(request_builder, clients, subtests):
    for path, kind in TRASHED.items():
        with subtests.test(path):
            client = clients[request_builder.actor_for(DELETIONS[path])]
            url, before = request_builder.url(DELETIONS[path]), table_digests()
            deleted = client.delete(url)
            entry = TrashEntry.objects.order_by("-pk").first()
            restore_url = f"/api/v1/trash/{entry.pk}/restore/"
            restored, again = client.post(restore_url), client.post(restore_url)

            assert deleted.status_code == 204
            assert entry.kind == kind
            assert restored.status_code == 200, restored.content
            assert restored.json()["skipped"] == {}
            assert again.status_code == 404
            # Versions and times of restored tasks and projects are new, positions may be.
            allowed = {"tasks_task", "tasks_project", "tasks_section", "tasks_state", "tasks_reminder"}
            allowed |= {"tasks_customfieldoption", "tasks_customfield"} if kind == "custom_field_option" else set()
            assert changed_tables(before, table_digests()) <= allowed
