from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import UserFactory
from core.testing.page_client import htmx_headers, is_full_page, logged_in_client, visible_text
from tasks.items import drafts
from tasks.items import services as items
from tasks.tests.factories import MemberFactory, ProjectFactory


@pytest.fixture
def user(db):
    return UserFactory(handle="lead", name="Lea Lead")


@pytest.fixture
def work(user, outbox):
    """One open, one overdue, one created before the shortest range, two completed."""
    project = ProjectFactory(key="OPS", owner=user)
    now = timezone.now()
    with outbox.delivering():
        for title, days, done, due in (
            ("Open", 1, False, None),
            ("Late", 5, False, timezone.localdate() - timedelta(days=2)),
            ("Old", 20, False, None),
            ("Done", 6, True, None),
            ("Done long ago", 40, True, None),
        ):
            made = now - timedelta(days=days)
            draft = drafts.TaskDraft(title=title, due_date=due, assignees=[user.pk])
            task = items.create(actor=user, draft=draft, now=made, project_ref="OPS")
            if done:
                items.update(actor=user, ref=task.key, changes={"status": "in_progress"}, now=made)
                items.update(actor=user, ref=task.key, changes={"status": "done"}, now=made + timedelta(days=2))
    return project


def cards(answer):
    return {card.name: card for card in answer.context["cards"]}


@pytest.mark.parametrize(("days", "created", "completed"), [("7", "3", "1"), ("28", "4", "1"), ("90", "5", "2")])
def test_counts_what_happened_in_the_range(days, created, completed, work, user):
    found = cards(logged_in_client(user).get(f"/?range={days}"))

    assert (found["Open"].value, found["Overdue"].value) == ("3", "1")
    assert (found["Created"].value, found["Completed"].value) == (created, completed)
    assert found["Cycle time, median"].value == "2.1 days" or found["Cycle time, median"].value.endswith("days")


@pytest.mark.parametrize("days", ["7", "28", "90"])
@pytest.mark.parametrize("scope", ["", "&project=OPS"])
def test_leads_each_figure_to_exactly_the_rows_it_counts(days, scope, work, user):
    client = logged_in_client(user)
    found = cards(client.get(f"/?range={days}{scope}"))

    for name in ("Open", "Overdue", "Created", "Completed"):
        assert str(client.get(found[name].url).context["count"]) == found[name].value, name


def test_says_in_a_sentence_what_a_drawing_shows(work, user):
    page = logged_in_client(user).get("/?range=7").content.decode()

    assert 'role="img" aria-label="3 tasks were created and 1 completed: 2 more came in than went out."' in page
    assert 'aria-label="Half of the 1 completed tasks took' in page


def test_lists_what_is_overdue_and_what_happened(work, user):
    page = visible_text(logged_in_client(user).get("/"))

    assert re.search(r"Needs attention .* Late Overdue:", page)
    assert "Lea Lead changed the status from In progress to Done" in page


def test_counts_only_what_the_reader_sees(work, db):
    stranger = UserFactory(handle="stranger")

    answer = logged_in_client(stranger).get("/")

    assert cards(answer)["Open"].value == "0"
    assert "Late" not in visible_text(answer)


def test_hides_a_project_of_others(work, db):
    assert logged_in_client(UserFactory(handle="stranger")).get("/?project=OPS").status_code == 404


def test_takes_an_unknown_range_for_the_usual_one(work, user):
    assert logged_in_client(user).get("/?range=9999999").context["range"] == "28"


def test_answers_the_fragment_that_htmx_replaces(work, user):
    answer = logged_in_client(user).get("/?project=OPS", headers=htmx_headers("div#overview"))

    assert not is_full_page(answer)
    assert 'id="overview"' in answer.content.decode()


def test_is_whole_before_anything_was_counted(user):
    answer = logged_in_client(user).get("/")

    assert is_full_page(answer)
    assert "No statistics yet" in visible_text(answer)


def test_sends_a_stranger_to_the_sign_in_page(client, db):
    assert client.get("/")["Location"] == "/login/?next=/"


def test_costs_the_same_with_more_work(work, user, outbox, queries):
    client = logged_in_client(user)
    client.get("/?range=7")
    with queries(at_most=20) as small:
        client.get("/?range=28")

    with outbox.delivering():
        for number in range(10):
            member = MemberFactory(project=work).user
            due = timezone.localdate() - timedelta(days=3)
            draft = drafts.TaskDraft(
                title=f"More {number}", due_date=due, assignees=[member.pk], labels=[f"label {number}"]
            )
            items.create(actor=user, draft=draft, now=timezone.now(), project_ref="OPS")

    with queries(equal_to=small):
        client.get("/?range=28")
