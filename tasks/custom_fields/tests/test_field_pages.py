from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text
from tasks.custom_fields import selectors
from tasks.items.tests.test_create_task import changed_since
from tasks.models import CustomField, Task
from tasks.tests.factories import FieldFactory, FieldValueFactory, OptionFactory, TaskShareFactory

KINDS = ("text", "number", "date", "select", "multi_select", "person", "url", "checkbox")

pytestmark = pytest.mark.django_db


@pytest.fixture
def fields(project):
    made = {kind: FieldFactory(project=project, kind=kind, key=kind) for kind in KINDS}
    for kind in ("select", "multi_select"):
        for slug in ("low", "high", "top"):
            OptionFactory(field=made[kind], slug=slug)
    return made


def form_values(response, form="values_form"):
    """Return what a browser would send for the form as it is shown."""
    bound = response.context[form]
    data = {}
    for field in bound:
        value = field.value()
        for name in (field.html_name, field.html_initial_name):
            data[name] = [str(item) for item in value] if isinstance(value, list) else str(value or "")
        if field.field.__class__.__name__ in {"BooleanField", "MultipleChoiceField"} and not value:
            del data[field.html_name], data[field.html_initial_name]
    return data


def test_panel_saves_values_of_every_kind(alice, bob, fields, task):
    browser = logged_in_client(bob)
    sent = {
        "fields-text": "Two\r\nlines",
        "fields-number": "12.50",
        "fields-date": "2026-12-24",
        "fields-select": "high",
        "fields-multi_select": ["low", "top"],
        "fields-person": str(alice.pk),
        "fields-url": "https://example.com",
        "fields-checkbox": "on",
    }

    response = browser.post(f"/tasks/{task.key}/fields/", sent)

    assert (response.status_code, response["Location"]) == (302, f"/tasks/{task.key}/#fields")
    values = selectors.get_task_values(bob, task.key).fields
    assert values == {
        "text": "Two\nlines",
        "number": 12.5,
        "date": "2026-12-24",
        "select": "high",
        "multi_select": ["low", "top"],
        "person": str(alice.pk),
        "url": "https://example.com",
        "checkbox": True,
    }
    # Saved again as it is shown, nothing changes.
    before = table_digests()
    browser.post(f"/tasks/{task.key}/fields/", form_values(browser.get(f"/tasks/{task.key}/")))
    assert changed_since(before) == set()


def test_panel_shows_errors_and_keeps_the_input(bob, fields, task):
    browser, before = logged_in_client(bob), table_digests()
    for name, value, message in [
        ("number", "twelve", "Enter a number."),
        ("number", "1234567890123456", "Number: at most 15 digits, 6 of them after the point."),
        ("url", "javascript:alert(1)", "Url: write an address that begins with https:// or http://."),
        ("select", "missing", "Select a valid choice. missing is not one of the available choices."),
    ]:
        response = browser.post(f"/tasks/{task.key}/fields/", {f"fields-{name}": value, "fields-text": "typed"})

        text = visible_text(response)
        assert (response.status_code, message in text) == (422, True), text
        assert b"typed</textarea>" in response.content
    assert changed_since(before) == set()


def test_panel_merges_other_fields_and_shows_conflicts(alice, bob, fields, task):
    first, second = logged_in_client(alice), logged_in_client(bob)
    page = form_values(first.get(f"/tasks/{task.key}/")) | {"version": "1"}
    second.post(f"/tasks/{task.key}/fields/", {"fields-number": "1", "initial-fields-number": ""})

    merged = first.post(f"/tasks/{task.key}/fields/", page | {"fields-text": "mine"})
    conflict = first.post(f"/tasks/{task.key}/fields/", page | {"fields-number": "2"})
    forced = first.post(f"/tasks/{task.key}/fields/", page | {"fields-number": "2", "version": "3"})

    assert [r.status_code for r in (merged, conflict, forced)] == [302, 409, 302]
    assert "These fields were changed by you in another tab meanwhile" in visible_text(conflict)
    assert b'name="version" value="3"' in conflict.content
    values = selectors.get_task_values(bob, task.key).fields
    assert (values["text"], values["number"]) == ("mine", 2)


def test_viewers_and_guests_see_values_without_inputs(viewer, fields, task, bob):
    guest = TaskShareFactory(task=task, user=UserFactory(), role="editor").user
    FieldValueFactory(task=task, field=fields["number"], number="12.5")
    FieldValueFactory(task=task, field=fields["select"], option=fields["select"].options.get(slug="high"))
    FieldValueFactory(task=task, field=fields["person"], user=bob)
    FieldValueFactory(task=task, field=fields["url"], text="https://example.com/<b>")

    for user in (viewer, guest):
        response = logged_in_client(user).get(f"/tasks/{task.key}/")

        panel = response.content.decode().partition('id="fields"')[2].partition("</section>")[0]
        assert "<input" not in panel
        for text in ("12.5", "High", "Bob", 'href="https://example.com/&lt;b&gt;"'):
            assert text in panel, text


def test_activity_tells_changes_of_fields(bob, alice, fields, task):
    browser = logged_in_client(bob)
    for number in ("120", "130", ""):
        browser.post(f"/tasks/{task.key}/fields/", {"fields-number": number})
    sent = {
        "fields-select": "high",
        "fields-person": str(alice.pk),
        "fields-date": "2026-12-24",
        "fields-checkbox": "on",
    }
    browser.post(f"/tasks/{task.key}/fields/", sent)

    text = " ".join(visible_text(browser.get(f"/tasks/{task.key}/")).split())

    for sentence in (
        "set Number to 120",
        "changed Number from 120 to 130",
        "cleared Number",
        "set Select to High",
        "set Person to Alice",
        "set Date to 24 Dec 2026",
        "ticked Checkbox",
    ):
        assert sentence in text
    assert "set Select to High" in " ".join(visible_text(browser.get("/")).split())


def test_new_task_page_asks_for_required_fields(bob, project, fields):
    fields["number"].required = True
    fields["number"].save()
    browser, before = logged_in_client(bob), table_digests()

    page = browser.get(f"/tasks/new/?project={project.pk}")
    refused = browser.post("/tasks/new/", {"title": "New", "project": str(project.pk)})
    unchanged = changed_since(before)
    created = browser.post("/tasks/new/", {"title": "New", "project": str(project.pk), "fields-number": "5"})

    assert b'name="fields-number"' in page.content
    assert b'name="fields-text"' not in page.content
    assert (refused.status_code, unchanged) == (422, set())
    assert "Number is required." in visible_text(refused)
    assert created.status_code == 302
    assert selectors.get_task_values(bob, Task.objects.get().key).fields["number"] == 5


def test_subtask_by_its_title_may_lack_required_fields(bob, task, fields):
    CustomField.objects.filter(key="number").update(required=True)

    logged_in_client(bob).post(f"/tasks/{task.key}/subtasks/", {"title": "Part"})

    assert Task.objects.filter(parent=task).count() == 1


def test_fields_page_adds_moves_and_links(alice, project):
    browser = logged_in_client(alice)
    FieldFactory(key="customer")
    url = "/projects/OPS/fields/"

    browser.post(url, {"name": "Size", "kind": "select", "options": "Small\r\n\r\nLarge", "required": "on"})
    browser.post(url, {"name": "Cost", "kind": "number"})
    refused = browser.post(url, {"name": "", "kind": "number"})
    shared = CustomField.objects.get(key="customer")
    browser.post("/projects/OPS/shared-fields/", {"field": str(shared.pk)})
    cost = CustomField.objects.get(key="cost")
    browser.post(f"{url}{cost.pk}/move/", {"position": "0"})
    page = browser.get(url)

    assert refused.status_code == 422
    assert [item.field.key for item in page.context["fields"]] == ["cost", "size", "customer"]
    size = CustomField.objects.get(key="size")
    assert [option.name for option in size.options.order_by("position")] == ["Small", "Large"]
    assert size.required
    browser.post(f"/projects/OPS/shared-fields/{shared.pk}/remove/")
    assert len(browser.get(url).context["fields"]) == 2


def test_field_page_edits_options_and_default(alice, project, fields, task):
    browser, field = logged_in_client(alice), fields["select"]
    url = f"/fields/{field.pk}/"
    FieldValueFactory(task=task, field=field, option=field.options.get(slug="high"))

    browser.post(url, {"name": "Size", "kind": "select", "default": "low", "version": "1"})
    browser.post(f"{url}options/", {"name": "Huge", "colour": "#12703f"})
    duplicate = browser.post(f"{url}options/", {"name": "huge", "colour": "#12703f"})
    high = field.options.get(slug="high")
    browser.post(f"{url}options/{high.pk}/delete/", {"replace_with": "top"})
    refused = browser.post(f"{url}delete/")
    browser.post(url, {"archive": "yes"})
    field.refresh_from_db()

    assert (field.name, field.default, field.archived_at is not None) == ("Size", "low", True)
    assert (duplicate.status_code, refused["Location"]) == (422, url)
    assert sorted(field.options.values_list("slug", flat=True)) == ["huge", "low", "top"]
    assert field.task_values.get().option.slug == "top"
    assert browser.post(f"{url}delete/")["Location"] == "/projects/OPS/fields/"
    assert not CustomField.objects.filter(pk=field.pk).exists()


def test_task_page_costs_one_query_for_its_fields(bob, project, task, queries):
    browser = logged_in_client(bob)
    FieldFactory(project=project)
    browser.get(f"/tasks/{task.key}/")
    with queries() as few:
        browser.get(f"/tasks/{task.key}/")
    for kind in KINDS:
        field = FieldFactory(project=project, kind=kind)
        if kind == "select":
            FieldValueFactory(task=task, field=field, option=OptionFactory(field=field, slug="low"))

    with queries(equal_to=few) as many:
        browser.get(f"/tasks/{task.key}/")

    assert len([sql for sql in many.statements if "projectfield" in sql]) == 1
