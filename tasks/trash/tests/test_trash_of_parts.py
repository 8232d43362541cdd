"""Restoration of parts of tasks and projects by the rules of today; what breaks one stays in the trash."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from tasks.models import ChecklistItem, CustomFieldValue, Reminder, TaskRelation, TimeEntry, TrashEntry
from tasks.models.checklist import MAX_ITEMS
from tasks.projects import states
from tasks.saved_filters import services as saved_filters
from tasks.tests.factories import (
    ChecklistItemFactory,
    FieldFactory,
    FieldValueFactory,
    MemberFactory,
    OptionFactory,
    ProjectFactory,
    ReminderFactory,
    TaskFactory,
    TaskRelationFactory,
    TimeEntryFactory,
)
from tasks.trash.erasure import erase_user

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks/OPS-1/"


def trashed(client, url):
    """Delete an object, and return the address at which it is restored."""
    response = client.delete(url)
    assert response.status_code == 204, response.content
    return f"/api/v1/trash/{TrashEntry.objects.order_by('-pk').first().pk}/restore/"


def error_code(client, url):
    """Return the code of a refused restoration, which changed nothing."""
    before = table_digests()
    response = client.post(url)
    assert response.status_code == 409, response.content
    assert table_digests() == before
    return response.json()["code"]


def test_checklist_items_come_back_at_a_free_place(clients, task, bob):
    client = clients["alice"]
    first, second = ChecklistItemFactory(task=task, assignee=bob), ChecklistItemFactory(task=task)
    restore_first = trashed(client, f"{URL}checklist/{first.pk}/")
    client.patch(f"{URL}checklist/{second.pk}/", {"position": 0})
    task.project.memberships.filter(user=bob).delete()
    client.post(restore_first)
    restored = ChecklistItem.objects.get(pk=first.pk)
    restore_second = trashed(client, f"{URL}checklist/{second.pk}/")
    for _ in range(MAX_ITEMS - 1):
        client.post(f"{URL}checklist/", {"text": "More"})

    assert (restored.position, restored.assignee_id) == (0, None)
    assert error_code(client, restore_second) == "too_many_items"
    client.delete("/api/v1/tasks/OPS-1/")
    assert error_code(client, restore_second) == "parent_deleted"


def test_relation_is_restored_by_the_rules_for_new_ones(clients, project, task, mallory):
    client, other = clients["alice"], TaskFactory(project=project)
    relation = TaskRelationFactory(source=task, target=other, kind="blocks")
    removed = client.delete(f"{URL}relations/{relation.pk}/")
    undone = client.post("/api/v1/undo/", {"token": removed["Undo-Token"]})
    redone = client.post("/api/v1/undo/", {"token": undone["Undo-Token"]})
    restore_url = f"/api/v1/trash/{TrashEntry.objects.get().pk}/restore/"
    opposite = TaskRelationFactory(source=other, target=task, kind="blocks")
    circle = error_code(client, restore_url)
    opposite.delete()
    same = TaskRelationFactory(source=task, target=other, kind="blocks")
    taken = error_code(client, restore_url)
    same.delete()
    hidden = ProjectFactory(key="HID")
    secret = TaskFactory(project=hidden)
    MemberFactory(project=hidden, user=mallory)
    MemberFactory(project=project, user=mallory)
    relation = TaskRelationFactory(source=task, target=secret, kind="blocks")
    foreign = trashed(clients["mallory"], f"{URL}relations/{relation.pk}/")

    assert (undone.status_code, redone.status_code) == (200, 200)
    assert (circle, taken) == ("circle", "taken")
    assert error_code(client, foreign) == "parent_deleted"
    assert "HID" not in TrashEntry.objects.order_by("-pk").first().title
    assert client.post(restore_url).status_code == 200
    assert TaskRelation.objects.filter(source=task, target=other).exists()


def test_own_parts_are_restored_by_their_owner(clients, task, alice, bob):
    entry = TimeEntryFactory(task=task, user=bob, ended_at=None, minutes=None, started_at=timezone.now())
    restore_entry = trashed(clients["bob"], f"{URL}time-entries/{entry.pk}/")
    reminder = ReminderFactory(task=task, user=bob)
    restore_reminder = trashed(clients["bob"], f"{URL}reminders/{reminder.pk}/")
    visible = [row["kind"] for row in clients["alice"].get("/api/v1/trash/").json()["results"]]
    statuses = [clients["alice"].post(restore_reminder).status_code, clients["admin"].get("/api/v1/trash/").status_code]
    statuses += [clients["bob"].post(url).status_code for url in (restore_entry, restore_reminder)]

    assert visible == ["time_entry"]
    assert statuses == [404, 200, 200, 200]
    # A timer that was deleted does not run again.
    assert TimeEntry.objects.get().minutes == 0
    assert Reminder.objects.get().is_stale


def test_custom_field_comes_back_with_options_and_values(clients, project, task):
    client = clients["alice"]
    field = FieldFactory(project=project, kind="select", key="severity")
    low = OptionFactory(field=field, slug="low")
    FieldValueFactory(task=task, field=field, option=low)
    option_url = f"/api/v1/fields/{field.pk}/options/{low.pk}/"
    restore_option = trashed(client, f"{option_url}?remove=true")
    client.post(restore_option)
    back = CustomFieldValue.objects.get().option_id
    client.patch(f"/api/v1/projects/OPS/fields/{field.pk}/", {"archived": True})
    restore_field = trashed(client, f"/api/v1/projects/OPS/fields/{field.pk}/")
    client.post("/api/v1/projects/OPS/fields/", {"name": "Severity", "kind": "text", "key": "severity"})
    taken = error_code(client, restore_field)
    own = client.get("/api/v1/projects/OPS/fields/").json()["results"][0]
    client.delete(f"/api/v1/projects/OPS/fields/{own['id']}/")

    assert back == low.pk
    assert taken == "taken"
    assert client.post(restore_field).status_code == 200
    assert CustomFieldValue.objects.get().option_id == low.pk


def test_conversion_of_an_item_is_undone_as_one(task, alice):
    item = ChecklistItemFactory(task=task, text="Call")
    browser = logged_in_client(alice)
    browser.post(f"/tasks/{task.key}/checklist/{item.pk}/convert/")
    page = browser.get(f"/tasks/{task.key}/").content.decode()
    token = page.split('name="token" value="')[1].split('"')[0]
    before = (ChecklistItem.objects.count(), task.subtasks.count())

    browser.post("/undo/", {"token": token})

    assert before == (0, 1)
    assert (ChecklistItem.objects.get().text, task.subtasks.count()) == ("Call", 0)


def test_erased_user_leaves_no_words_in_trashed_time_entries(clients, task, bob):
    entry = TimeEntryFactory(task=task, user=bob, note="Called my doctor")
    trashed(clients["bob"], f"{URL}time-entries/{entry.pk}/")

    erase_user(bob.pk)

    stored = TrashEntry.objects.get()
    assert [row["note"] for row in stored.rows["tasks.TimeEntry"]] == [""]
    assert bob.name not in stored.title


def test_restorations_keep_the_limits_of_new_objects(clients, project, monkeypatch):
    client = clients["alice"]
    monkeypatch.setattr(states, "MAX_STATES", 5)
    monkeypatch.setattr(saved_filters, "MAX_SAVED_FILTERS", 1)
    status = {"name": "Review", "category": "in_progress"}
    review = client.post("/api/v1/projects/OPS/states/", status).json()
    restore_state = trashed(client, f"/api/v1/projects/OPS/states/{review['id']}/")
    first = client.post("/api/v1/saved-filters/", {"name": "First", "filter": "is:open"}).json()
    restore_filter = trashed(client, f"/api/v1/saved-filters/{first['id']}/")
    created = [
        client.post("/api/v1/projects/OPS/states/", {**status, "name": "Testing"}),
        client.post("/api/v1/saved-filters/", {"name": "Second", "filter": "is:open"}),
    ]

    full = client.post("/api/v1/projects/OPS/states/", {**status, "name": "Waiting"})

    assert [response.status_code for response in created] == [201, 201]
    assert (full.status_code, full.json()["code"], full.json()["detail"]) == (
        409,
        "too_many",
        "A project has at most 5 statuses.",
    )
    assert project.states.count() == 5
    assert [error_code(client, url) for url in (restore_state, restore_filter)] == ["too_many", "too_many"]
