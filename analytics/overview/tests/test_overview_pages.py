from __future__ import annotations

import re
import zoneinfo
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import UserFactory
from core.testing.page_client import htmx_headers, is_full_page, logged_in_client, visible_text
from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Task
from tasks.tests.factories import MemberFactory, ProjectFactory, TaskShareFactory


@pytest.fixture
def user(db):
    return UserFactory(handle="lead", name="Lea Lead")


@pytest.fixture
def project(user, outbox):
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
            created = now - timedelta(days=days)
            draft = drafts.TaskDraft(title=title, due_date=due, assignees=[user.pk])
            task = items.create(actor=user, draft=draft, now=created, project_ref="OPS")
            if done:
                items.update(actor=user, ref=task.key, changes={"status": "in_progress"}, now=created)
                items.update(actor=user, ref=task.key, changes={"status": "done"}, now=created + timedelta(days=2))
    return project


def cards(response):
    return {card.name: card for card in response.context["cards"]}


def test_cards_count_the_chosen_range(project, user, subtests):
    client = logged_in_client(user)
    for days, created, completed in (("7", "3", "1"), ("28", "4", "1"), ("90", "5", "2")):
        with subtests.test(days):
            cards_by_name = cards(client.get(f"/?range={days}"))

            assert (cards_by_name["Open"].value, cards_by_name["Overdue"].value) == ("3", "1")
            assert (cards_by_name["Created"].value, cards_by_name["Completed"].value) == (created, completed)
            assert cards_by_name["Cycle time, median"].value.endswith("days")


def test_card_links_to_exactly_the_tasks_it_counts(project, user, subtests):
    client = logged_in_client(user)
    for query in (
        "range=7",
        "range=28",
        "range=90",
        "range=7&project=OPS",
        "range=28&project=OPS",
        "range=90&project=OPS",
    ):
        cards_by_name = cards(client.get(f"/?{query}"))
        for name in ("Open", "Overdue", "Created", "Completed"):
            with subtests.test(f"{name} {query}"):
                assert str(client.get(cards_by_name[name].url).context["count"]) == cards_by_name[name].value


def test_charts_have_a_text_alternative(project, user):
    page = logged_in_client(user).get("/?range=7").content.decode()

    assert 'role="img" aria-label="3 tasks were created and 1 completed: 2 more created than completed."' in page
    assert 'aria-label="Median ' in page


def test_overview_lists_overdue_tasks_and_activity(project, user):
    page = visible_text(logged_in_client(user).get("/"))

    assert re.search(r"Needs attention .* Late Overdue:", page)
    assert "Lea Lead changed the status from In progress to Done" in page


def test_overview_counts_only_visible_projects(project, db):
    outsider = UserFactory(handle="outsider")

    response = logged_in_client(outsider).get("/")

    assert cards(response)["Open"].value == "0"
    assert "Late" not in visible_text(response)


def test_project_of_others_is_not_found(project, db):
    assert logged_in_client(UserFactory(handle="outsider")).get("/?project=OPS").status_code == 404


def test_unknown_range_falls_back_to_the_default(project, user):
    assert logged_in_client(user).get("/?range=9999999").context["range"] == "28"


def test_htmx_request_returns_the_fragment(project, user):
    response = logged_in_client(user).get("/?project=OPS", headers=htmx_headers("div#overview"))

    assert not is_full_page(response)
    assert 'id="overview"' in response.content.decode()


def test_overview_is_complete_without_statistics(user):
    response = logged_in_client(user).get("/")

    assert is_full_page(response)
    assert "No statistics yet" in visible_text(response)


def test_overview_redirects_anonymous_users_to_login(client, db):
    assert client.get("/")["Location"] == "/login/?next=/"


def test_overview_queries_do_not_grow_with_tasks(project, user, outbox, queries):
    client = logged_in_client(user)
    client.get("/?range=7")
    with queries(at_most=20) as small:
        client.get("/?range=28")

    with outbox.delivering():
        for number in range(10):
            member = MemberFactory(project=project).user
            due = timezone.localdate() - timedelta(days=3)
            draft = drafts.TaskDraft(
                title=f"More {number}", due_date=due, assignees=[member.pk], labels=[f"label {number}"]
            )
            items.create(actor=user, draft=draft, now=timezone.now(), project_ref="OPS")

    client.get("/?range=7")  # what the navigation caches
    with queries(equal_to=small):
        client.get("/?range=28")


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Niue"])
def test_linked_figures_equal_the_linked_lists(project, user, outbox, zone, subtests):
    """Figures of the cards and of "My day", for four kinds of readers."""
    now, archived = timezone.now(), ProjectFactory(key="OLD", owner=user)
    inbox, today = ProjectFactory(key="WEB", owner=user), timezone.localdate(now, zoneinfo.ZoneInfo(zone))
    due_dates = [today + timedelta(days=days) for days in (-9, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8)]
    drafts_of_days = [{"due_date": day} for day in due_dates] + [
        {"due_at": now + timedelta(hours=hours)} for hours in (-30, -1, 1, 11, 25)
    ]
    with outbox.delivering():
        for target in (project, inbox, archived):
            for number, due in enumerate(drafts_of_days):
                draft = drafts.TaskDraft(title=f"Task {number}", assignees=[user.pk], **due)
                task = items.create(actor=user, draft=draft, now=now - timedelta(hours=number), project_ref=target.key)
                if number % 4 == 0:
                    items.update(actor=user, ref=task.key, changes={"status": "done"}, now=now)
    archived.archived_at = now
    archived.save()
    guest = UserFactory(is_guest=True)
    TaskShareFactory(task=Task.objects.filter(project=inbox, closed_at=None).first(), user=guest)
    readers = {"member": user, "admin": UserFactory(role="admin"), "guest": guest, "outsider": UserFactory()}
    for name, reader in readers.items():
        reader.time_zone = zone
        reader.save()
        client = logged_in_client(reader)
        for query in ("range=7", "range=28&project=WEB"):
            response = client.get(f"/?{query}")
            if response.status_code == 404 and name in {"guest", "outsider"} and "WEB" in query:
                continue
            figures = [(card.url, card.value.replace(",", "")) for card in response.context["cards"][:4]]
            figures += [(part.url, str(part.count)) for part in response.context["my_day"]]
            for url, value in figures:
                with subtests.test(f"{name} {query} {url}"):
                    assert str(client.get(url).context["count"]) == value
            for part in response.context["my_day"]:
                assert len(part.tasks) == min(part.count, 10)
            if name == "member":
                assert all(part.count for part in response.context["my_day"])
