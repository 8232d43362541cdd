"""Filter box of the task list's page, and its controls: two views of one filter."""

from __future__ import annotations

import re
from html import unescape

import pytest

from core.testing.page_client import logged_in_client, visible_text
from tasks.models import SavedFilter
from tasks.tests.factories import AssigneeFactory, LabelFactory, SavedFilterFactory, TaskFactory

pytestmark = pytest.mark.django_db


def attribute(page, element_id, name="value"):
    tag = re.search(rf'<(?:input|a|textarea)[^>]*id="{element_id}"[^>]*>', page.content.decode())[0]
    return unescape(re.search(rf'{name}="([^"]*)"', tag)[1])


def selected(page, name):
    select = re.search(rf'<select name="{name}".*?</select>', page.content.decode(), re.DOTALL)[0]
    return re.search(r'<option value="([^"]*)" selected', select)[1]


def titles(page):
    return set(re.findall(r'class="task-name"[^>]*>([^<]*)<', page.content.decode()))


@pytest.fixture
def browser(alice, bob, project):
    """Alice's browser; OPS has an open and a closed task, and one of bob's with a label."""
    TaskFactory(project=project, title="Open one", priority=3)
    done = project.states.get(slug="done")
    TaskFactory(project=project, title="Closed one", state=done, closed_at=project.created_at)
    labelled = TaskFactory(project=project, title="Labelled one")
    labelled.labels.add(LabelFactory(project=project, name="big red"))
    AssigneeFactory(task=labelled, user=bob)
    return logged_in_client(alice)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "state:open"),
        ("category=all", ""),
        ("category=done&priority=3", "state:done priority:high"),
        ("assignee=me&due=this_week", "state:open assignee:@me due:@today..@week-end"),
        ("project=OPS&label=big+red&search=open+one", 'state:open project:OPS label:"big red" open one'),
        ("due=overdue&filter=-label:x+(a+OR+b)", "is:overdue -label:x (a OR b)"),
        ("filter=State%3Dopen++label:%22big+red%22", 'state:open label:"big red"'),
    ],
)
def test_filter_text_says_what_the_controls_do(query, text, browser):
    page = browser.get(f"/tasks/?{query}")

    assert attribute(page, "filter_text") == text
    # And back: the text alone gives the same tasks.
    if text:
        assert titles(browser.get("/tasks/", {"filter": text})) == titles(page)


def test_controls_show_what_a_filter_text_says(browser, bob):
    page = browser.get("/tasks/", {"filter": "state:open assignee:@bob label:'x' priority>=low words"})
    page = browser.get("/tasks/", {"filter": 'assignee:@bob label:"big red" due:@today -is:overdue words'})

    assert selected(page, "assignee") == str(bob.pk)
    assert selected(page, "label") == "big red"
    assert selected(page, "due") == "today"
    assert selected(page, "category") == "all"
    assert attribute(page, "filter_search") == "words"
    assert 'type="hidden" name="filter" value="-is:overdue"' in page.content.decode()


def test_filter_text_finds_closed_tasks_without_a_state(browser):
    assert titles(browser.get("/tasks/")) == {"Open one", "Labelled one"}
    assert titles(browser.get("/tasks/", {"filter": "project:OPS"})) == {"Open one", "Closed one", "Labelled one"}
    assert titles(browser.get("/tasks/", {"filter": "priority>=high OR label:*"})) == {"Open one"}


@pytest.mark.parametrize("text", ["stat:open", "state:open (", "due>=soon"])
def test_wrong_filter_text_shows_its_place_and_no_tasks(text, browser):
    page = browser.get("/tasks/", {"filter": text})

    assert page.status_code == 200
    assert re.search(r"At character \d+: ", visible_text(page))
    assert attribute(page, "filter_text") == text
    assert titles(page) == set()
    assert 'aria-invalid="true"' in page.content.decode()


def test_chip_removes_one_part_of_the_text(browser):
    page = browser.get("/tasks/", {"filter": "state:open -label:x estimate>5"})
    links = [unescape(link) for link in re.findall(r'class="chip" href="(\?[^"]*)"', page.content.decode())]
    texts = {attribute(browser.get(f"/tasks/{link}"), "filter_text") for link in links if "saved_filter" not in link}

    assert texts == {"-label:x estimate>5", "state:open estimate>5", "state:open -label:x"}


def test_filter_is_saved_renamed_shared_and_deleted(browser, alice, project):
    wrong = browser.post("/filters/new/", {"name": "Mine", "filter": "stat:open", "audience": ""})
    saved = browser.post("/filters/new/", {"name": "Mine", "filter": "priority>=high", "audience": ""})
    [row] = SavedFilter.objects.all()
    page = browser.get(f"/tasks/?saved_filter={row.pk}")
    browser.post(
        f"/filters/{row.pk}/",
        {
            "name": "Ours",
            "filter": "priority>=high",
            "audience": f"project:{project.pk}",
            "is_favourite": "on",
            "version": 1,
        },
    )
    listed = browser.get("/filters/")
    row.refresh_from_db()

    assert (wrong.status_code, saved.status_code) == (422, 302)
    assert "At character 1" in visible_text(wrong)
    assert titles(page) == {"Open one"}
    assert "Mine" in visible_text(page)
    assert (row.name, row.project, row.is_favourite) == ("Ours", project, True)
    assert "Shared with the project Operations" in visible_text(listed)
    assert browser.post(f"/filters/{row.pk}/delete/").status_code == 302
    assert not SavedFilter.objects.exists()


def test_saved_filter_is_not_overwritten_by_an_old_tab(browser, alice):
    row = SavedFilterFactory(owner=alice, name="Mine", version=2)

    page = browser.post(f"/filters/{row.pk}/", {"name": "Old", "filter": "state:done", "version": 1})

    row.refresh_from_db()
    assert page.status_code == 409
    assert (row.name, row.filter) == ("Mine", "state:open")


def test_subscription_is_switched_on_the_page(browser, alice):
    row = SavedFilterFactory(owner=alice, name="Mine")

    browser.post(f"/filters/{row.pk}/subscription/")
    subscribed = visible_text(browser.get("/filters/"))
    browser.post(f"/filters/{row.pk}/subscription/", {"subscribed": "false"})

    assert "Unsubscribe Mine" in subscribed
    assert "Unsubscribe" not in visible_text(browser.get("/filters/"))
