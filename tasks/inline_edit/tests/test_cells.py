from __future__ import annotations

from django.utils import timezone

from core.testing.page_client import htmx_headers, logged_in_client, visible_text
from tasks.items import services as items
from tasks.models import Priority, Task
from tasks.tests.factories import AssigneeFactory

CELL_HEADERS = htmx_headers("td") | {"HX-Current-URL": "http://testserver/tasks/?priority=4"}


def read_form(response):
    """Return the submitted values of a cell's form."""
    form = response.context["cell"].form
    values = {"version": response.context["cell"].version}
    for field in form:
        initial = field.initial if field.initial is not None else ""
        values[field.name] = values[field.html_initial_name] = initial
    values |= {"labels": "", "initial-labels": ""} if "labels" in form.fields else {}
    return values


def test_cells_are_saved_and_answer_the_row(task, alice, bob, outbox):
    browser, row = logged_in_client(bob), htmx_headers(f"tr#task-{task.pk}")
    changes = {
        "title": {"title": "Repair the printer"},
        "priority": {"priority": "3"},
        "assignees": {"assignees": [str(alice.pk), str(bob.pk)]},
        "labels": {"labels": "urgent, office"},
        "due": {"due_date": "2030-05-04", "due_time": "09:30"},
        "start": {"start_date": "2030-05-01"},
        "estimate": {"estimate": "90"},
        "description": {"description": "On the **second** floor."},
        "status": {"status": "in_progress"},
    }
    for name, values in changes.items():
        url = f"/tasks/{task.key}/cell/{name}/"
        form = browser.get(url, headers=CELL_HEADERS)
        assert form.status_code == 200
        assert "<html" not in form.content.decode()
        assert 'value="http://testserver/tasks/?priority=4"' in form.content.decode()
        saved = browser.post(url, read_form(form) | values, headers=row)
        assert (name, saved.status_code) == (name, 200)
        assert saved.content.decode().count("<tr") == 1
        assert "saved." in saved["HX-Trigger"]

    task.refresh_from_db()
    local = timezone.localtime(task.due_at)
    assert (task.title, task.priority, task.estimate) == ("Repair the printer", Priority.HIGH, 90)
    assert set(task.assignees.all()) == {alice, bob}
    assert sorted(task.labels.values_list("name", flat=True)) == ["office", "urgent"]
    assert (f"{local:%Y-%m-%d %H:%M}", f"{task.start_date}") == ("2030-05-04 09:30", "2030-05-01")
    assert (task.description, task.state.slug) == ("On the **second** floor.", "in_progress")
    assert task.version == 1 + len(changes)


def test_cell_with_conflict_keeps_mine_or_theirs(task, alice, bob):
    browser, url = logged_in_client(bob), f"/tasks/{task.key}/cell/title/"
    row = htmx_headers(f"tr#task-{task.pk}")
    form = read_form(browser.get(url, headers=CELL_HEADERS))
    now = timezone.now()
    items.update(actor=alice, ref=task.key, changes={"title": "Hers", "priority": 2}, now=now)

    # A field that she did not change is no conflict.
    other = browser.post(f"/tasks/{task.key}/cell/estimate/", {"estimate": "5", "version": 1}, headers=row)
    refused = browser.post(url, form | {"title": "His"}, headers=row)

    assert (other.status_code, refused.status_code) == (200, 409)
    text = visible_text(refused)
    assert "Changed by" in text
    assert all(part in text for part in ("Hers", "His", "Keep mine", "Take theirs"))
    assert Task.objects.get().title == "Hers"
    conflict = refused.context["cell"].conflict
    second = browser.post(url, {**dict(conflict.form_data), "version": conflict.version}, headers=row)
    assert second.status_code == 200
    assert (Task.objects.get().title, Task.objects.get().priority) == ("His", 2)


def test_invalid_cell_names_the_error_and_changes_nothing(task, bob, viewer, outbox):
    browser, row = logged_in_client(bob), htmx_headers(f"tr#task-{task.pk}")
    errors = {
        "title": {"title": " "},
        "priority": {"priority": "9"},
        "assignees": {"assignees": ["00000000-0000-0000-0000-000000000000"]},
        "due": {"due_date": "soon"},
        "estimate": {"estimate": "-1"},
        "labels": {"labels": "x" * 200},
    }
    for name, values in errors.items():
        url = f"/tasks/{task.key}/cell/{name}/"
        for headers in (row, {}):
            response = browser.post(url, values | {"version": 1}, headers=headers)
            assert (name, response.status_code) == (name, 422)
            assert 'class="error"' in response.content.decode()
    assert browser.get(f"/tasks/{task.key}/cell/creator/").status_code == 404
    assert logged_in_client(viewer).get(f"/tasks/{task.key}/cell/title/").status_code == 403
    assert (Task.objects.get().version, outbox.names()) == (1, [])


def test_cell_without_scripts_is_a_page_of_its_own(task, alice, bob):
    AssigneeFactory(task=task, user=alice)
    browser = logged_in_client(bob)

    page = browser.get(f"/tasks/{task.key}/cell/priority/", headers={"Referer": "http://testserver/tasks/?q=1"})
    saved = browser.post(
        f"/tasks/{task.key}/cell/priority/", read_form(page) | {"priority": "4", "next": "/tasks/?q=1"}
    )
    foreign = browser.post(f"/tasks/{task.key}/cell/priority/", {"priority": "4", "next": "https://evil.example/"})
    menu = browser.get(f"/tasks/{task.key}/menu/", headers=htmx_headers("a"))

    assert "<html" in page.content.decode()
    assert (saved.status_code, saved["Location"]) == (302, "/tasks/?q=1")
    assert foreign["Location"] == f"/tasks/{task.key}/"
    assert Task.objects.get().priority == 4
    text = visible_text(menu)
    assert all(word in text for word in ("Open", "Edit title", "Edit labels", "Move to project", "Duplicate", "Delete"))
