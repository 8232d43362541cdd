from __future__ import annotations

from django.utils import timezone

from core.testing.page_client import logged_in_client, visible_text
from tasks.custom_fields import definitions
from tasks.custom_fields import services as custom_fields
from tasks.models import SavedFilter
from tasks.saved_filters import services


def heads(response):
    return [column.title for column in response.context["columns"]]


def test_columns_are_chosen_in_the_url(task, alice):
    definitions.create(actor=alice, ref="OPS", name="Cost", kind="number")
    custom_fields.update_values(actor=alice, ref=task.key, fields={"cost": 12.5}, now=timezone.now())
    browser = logged_in_client(alice)

    default = browser.get("/tasks/")
    response = browser.get("/tasks/?columns=due,field.cost,project,labels,unknown,due")
    own = browser.get("/projects/OPS/?columns=title,estimate,section,start,created,closed,creator")

    assert heads(default) == ["Task", "Status", "Priority", "Assignee", "Due", "Updated"]
    assert heads(response) == ["Task", "Due", "Cost", "Project", "Labels"]
    assert response.context["rows"][0].fields == {"field.cost": "12.5"}
    assert "12.5" in visible_text(response)
    urls = {choice.title: choice.toggle_url for choice in response.context["column_choices"]}
    assert urls["Cost"].endswith("columns=title,due,project,labels")
    assert heads(own) == ["Task", "Estimate", "Section", "Start", "Created", "Closed", "Created by"]
    assert "Cost" in {choice.title for choice in own.context["column_choices"]}


def test_view_with_changes_is_saved_or_discarded(task, alice, bob):
    view = services.create(
        actor=alice,
        name="Mine",
        filter="state:open",
        now=timezone.now(),
        ordering="-priority",
        grouping="state",
        columns=["title", "due"],
        everyone=True,
    )
    browser = logged_in_client(alice)

    saved = browser.get(f"/tasks/?saved_filter={view.pk}")
    changed = browser.get(f"/tasks/?view={view.pk}&category=open&ordering=title&columns=title,status&group=assignee")
    same = browser.get(f"/tasks/?view={view.pk}&category=open&ordering=-priority&columns=title,due&group=state")
    foreign = logged_in_client(bob).get(f"/tasks/?view={view.pk}&category=all")

    assert (heads(saved), saved.context["group"], saved.context["form"].order) == (
        ["Task", "Due"],
        "state",
        "-priority",
    )
    assert [page.context["list_filter"].is_changed for page in (saved, changed, same)] == [False, True, False]
    assert "Unsaved changes" in visible_text(changed)
    assert "Save as" in visible_text(foreign)
    assert f'action="/filters/{view.pk}/"' not in foreign.content.decode()
    form = {"version": 1, "name": "Mine", "filter": "state:open", "audience": "everyone"}
    form |= {"ordering": "title", "grouping": "assignee", "columns": "title,status"}
    assert browser.post(f"/filters/{view.pk}/", form).status_code == 302
    view.refresh_from_db()
    assert (view.ordering, view.grouping, view.columns) == ("title", "assignee", ["title", "status"])
    assert view.everyone


def test_view_with_unknown_names_is_rejected(clients, alice):
    url, base = "/api/v1/saved-filters/", {"name": "A view", "filter": "state:open"}
    for values in (
        {"columns": ["nothing"]},
        {"columns": ["due", "due"]},
        {"columns": [f"field.x{number}" for number in range(13)]},
        {"ordering": "secret"},
        {"grouping": "creator"},
    ):
        response = clients["alice"].post(url, base | values)
        assert (values, response.status_code) == (values, 400)
        assert response.json()["errors"][0]["field"].startswith(next(iter(values)))
    assert not SavedFilter.objects.exists()
    created = clients["alice"].post(
        url, base | {"columns": ["due", "field.cost"], "ordering": "-priority", "grouping": "state"}
    )
    assert created.status_code == 201
    assert created.json()["columns"] == ["title", "due", "field.cost"]
