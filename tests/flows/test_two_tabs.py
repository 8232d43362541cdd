"""The same page in two tabs: changes of different fields are both saved."""

from __future__ import annotations

import html
import re

import pytest

from core.testing.page_client import htmx_headers, logged_in_client, visible_text
from notifications.models import Preference
from tasks.models import Comment, Task
from tasks.tests.factories import CommentFactory

pytestmark = pytest.mark.django_db
INPUT = re.compile(
    r"<(input|textarea|select)\b([^>]*)>(.*?)(?=</textarea>|</select>|<(?:input|textarea|select|/form)\b)", re.DOTALL
)


def form_of(page, action):
    """Return what a browser sends for an unchanged form."""
    text = re.search(rf'<form[^>]*action="{action}".*?</form>', page.content.decode(), re.DOTALL)[0]
    data: dict[str, list[str]] = {}
    for tag, attributes, inner in INPUT.findall(text):
        attrs = dict(re.findall(r'([\w-]+)(?:="([^"]*)")?', attributes))
        value = attrs.get("value", "on" if attrs.get("type") == "checkbox" else "")
        if tag == "textarea":
            value = inner.removeprefix("\n")
        if tag == "select":
            value = next(iter(re.findall(r'value="([^"]*)"[^>]*selected', inner)), "")
        if attrs.get("type") not in {"checkbox", "radio"} or "checked" in attrs:
            data.setdefault(attrs.get("name", ""), []).append(html.unescape(value))
    return data


def send_two_tabs(browser, path, first, second):
    """Open a page in two tabs, then save each with its own changes; return the responses."""
    tabs = [form_of(browser.get(path), path) for _ in range(2)]
    return [browser.post(path, data | changes) for data, changes in zip(tabs, (first, second), strict=True)]


def test_different_fields_of_a_task_are_both_saved(task, alice, bob):
    other = {
        "title": "Second tab",
        "status": "in_progress",
        "priority": "3",
        "labels": "red, blue",
        "start_date": "2027-01-01",
        "estimate": "30",
        "assignees": [str(bob.pk)],
    }
    browser = logged_in_client(alice)
    first = {"description": "First tab", "due_date": "2027-02-01", "due_time": "09:30"}

    responses = send_two_tabs(browser, "/tasks/OPS-1/", first, other)

    task.refresh_from_db()
    assert [response.status_code for response in responses] == [302, 302]
    assert (task.title, task.description, task.priority, task.estimate) == ("Second tab", "First tab", 3, 30)
    assert task.due_at is not None
    assert (task.state.slug, {label.name for label in task.labels.all()}) == ("in_progress", {"red", "blue"})
    assert list(task.assignees.all()) == [bob]


def test_same_field_of_a_task_is_a_conflict_of_its_author(task, alice, bob, project):
    browser = logged_in_client(alice)

    own = send_two_tabs(browser, "/tasks/OPS-1/", {"title": "One"}, {"title": "Two"})[1]
    tab = form_of(browser.get("/tasks/OPS-1/"), "/tasks/OPS-1/")
    send_two_tabs(logged_in_client(bob), "/tasks/OPS-1/", {"title": "Three"}, {})
    foreign = browser.post("/tasks/OPS-1/", tab | {"title": "Four", "description": "Mine"})

    assert (own.status_code, foreign.status_code) == (409, 409)
    assert "changed by you in another tab" in visible_text(own)
    assert f"changed by {bob.name}" in visible_text(foreign)
    assert (Task.objects.get().title, Task.objects.get().description) == ("Three", task.description)


def test_same_value_in_two_tabs_is_no_conflict(task, alice):
    same = {"title": "Both"}

    responses = send_two_tabs(logged_in_client(alice), "/tasks/OPS-1/", same, same | {"priority": "2"})

    assert [response.status_code for response in responses] == [302, 302]
    assert (Task.objects.get().title, Task.objects.get().priority) == ("Both", 2)


def test_status_of_a_stale_row_is_saved(task, alice):
    browser = logged_in_client(alice)
    row = form_of(browser.get("/tasks/"), "/tasks/OPS-1/cell/status/")
    browser.post("/tasks/OPS-1/", form_of(browser.get("/tasks/OPS-1/"), "/tasks/OPS-1/") | {"title": "New"})
    headers = htmx_headers(f"tr#task-{task.pk}")

    saved = browser.post("/tasks/OPS-1/cell/status/", row | {"status": "in_progress"}, headers=headers)
    conflict = browser.post("/tasks/OPS-1/cell/status/", row | {"status": "done"}, headers=headers)

    assert (saved.status_code, conflict.status_code) == (200, 409)
    assert "changed by you in another tab" in conflict["HX-Trigger"]
    assert (Task.objects.get().title, Task.objects.get().state.slug) == ("New", "in_progress")


def test_different_fields_of_a_project_are_both_saved(project, alice):
    responses = send_two_tabs(
        logged_in_client(alice), "/projects/OPS/edit/", {"name": "New name"}, {"description": "New words"}
    )
    conflict = send_two_tabs(logged_in_client(alice), "/projects/OPS/edit/", {"name": "One"}, {"name": "Two"})[1]

    project.refresh_from_db()
    assert [response.status_code for response in responses] == [302, 302]
    assert (project.name, project.description) == ("One", "New words")
    assert conflict.status_code == 409
    assert "omeone else" not in visible_text(conflict)


def test_different_settings_are_both_saved(alice):
    send_two_tabs(logged_in_client(alice), "/settings/", {"theme": "dark"}, {"density": "compact", "shortcuts": []})

    alice.refresh_from_db()
    assert (alice.theme, alice.density, alice.shortcuts) == ("dark", "compact", False)


def test_different_preferences_are_both_saved(alice):
    send_two_tabs(logged_in_client(alice), "/settings/notifications/", {"assigned-email": []}, {"mentioned-email": []})

    off = Preference.objects.filter(user=alice, enabled=False).values_list("kind", "channel")
    assert set(off) == {("assigned", "email"), ("mentioned", "email")}


def test_comment_changed_in_two_tabs_keeps_the_text(task, bob, project):
    comment = CommentFactory(task=task, author=bob, body="Old")
    path = f"/tasks/OPS-1/comments/{comment.pk}/"
    browser = logged_in_client(bob)

    conflict = send_two_tabs(browser, path, {"body": "First"}, {"body": "Second"})[1]
    again = browser.post(path, form_of(conflict, path))

    assert conflict.status_code == 409
    assert "You changed this comment in another tab" in visible_text(conflict)
    assert again.status_code == 302
    assert Comment.objects.get().body == "Second"
