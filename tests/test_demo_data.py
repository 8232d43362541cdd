from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from accounts.users.services import authenticate
from analytics.rollups import services as rollups
from demo.load_test import generate_load_test
from demo.personas import LOAD_TEST_PERSONA, PASSWORD, PROJECTS, TEAM_PERSONAS
from demo.scenario import ScenarioGenerator, TaskScenario
from demo.task_titles import TITLE_TEMPLATES
from events import selectors
from events.models import Delivery, Event
from notifications.models import Notification, OutgoingEmail
from tasks.items.reminders import publish_due_soon
from tasks.models import Comment, Project, Task
from tasks.projects import services as projects

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


def load_scenarios(now: datetime = NOW) -> list[TaskScenario]:
    return [
        scenario for project in PROJECTS for scenario in ScenarioGenerator(project, now, Random(project.key)).tell()
    ]


def load_demo_data() -> str:
    said = StringIO()
    call_command("demo", stdout=said)
    return said.getvalue()


def test_the_same_seed_tells_the_same_stories():
    assert load_scenarios() == load_scenarios()


def test_nothing_happens_in_the_future_or_out_of_order():
    for scenario in load_scenarios() + generate_load_test(NOW, Random(1)):
        times = [scenario.created_at, *(step.at for step in scenario.steps)]
        assert times == sorted(times), scenario.title
        assert times[-1] < NOW


@pytest.mark.parametrize("day", range(7))
def test_there_are_about_four_hundred_tasks_on_every_day_of_the_week(day: int):
    told = load_scenarios(NOW + timedelta(days=day))

    assert 390 <= len(told) <= 404


def test_the_office_works_on_working_days():
    days = [step.at.weekday() for scenario in load_scenarios() for step in scenario.steps]

    assert sum(day > 4 for day in days) < 0.1 * len(days)


def test_every_label_and_every_filling_is_known_once():
    for project in PROJECTS:
        families = TITLE_TEMPLATES[project.key]
        titles = [title for family in families for title in family.titles()]
        assert len(titles) == len(set(titles))
        assert {label for family in families for label in family.labels} <= {name for name, _ in project.labels}


@pytest.mark.django_db
def test_loads_a_team_with_a_past_and_mails_nobody():
    load_demo_data()

    assert set(User.objects.values_list("email", flat=True)) == {
        user.email for user in (*TEAM_PERSONAS, LOAD_TEST_PERSONA)
    }
    sizes = dict(Project.objects.annotate(size=Count("tasks")).values_list("key", "size"))
    assert (sizes["LOAD_TEST_PERSONA"], set(sizes)) == (1000, {"OPS", "WEB", "MOB", "HIRE", "LOAD"})
    assert 390 <= sum(sizes.values()) - 1000 <= 404
    assert set(Task.objects.values_list("category", flat=True)) == {"todo", "in_progress", "done", "cancelled"}
    assert Task.objects.exclude(project__key="LOAD").overdue(timezone.now(), timezone.now().date()).count() >= 5
    assert Comment.objects.count() > 100
    assert not OutgoingEmail.objects.exists()
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_the_log_is_whole_delivered_and_agrees_with_the_numbers():
    load_demo_data()

    assert selectors.first_invalid_position() is None
    assert not Event.objects.filter(position=None).exists()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    assert not rollups.verify()
    versions = dict(Event.objects.filter(name="task.updated").values_list("subject_id").annotate(count=Count("id")))
    assert all(task.version == 1 + versions.get(task.pk, 0) for task in Task.objects.all())


@pytest.mark.django_db
def test_the_lead_has_news_read_and_unread_and_can_sign_in():
    load_demo_data()

    lead = authenticate(email="lead@example.com", password=PASSWORD)
    news = Notification.objects.filter(recipient=lead)
    assert (news.count(), news.filter(read_at=None).count()) == (14, 7)
    assert not Notification.objects.exclude(recipient=lead).exists()


@pytest.mark.django_db
def test_what_is_due_within_a_day_was_announced_already():
    load_demo_data()

    assert publish_due_soon(now=timezone.now()) == 0


@pytest.mark.django_db
def test_a_second_time_changes_nothing():
    load_demo_data()
    before = (Task.objects.count(), Event.objects.count(), Notification.objects.count())

    assert load_demo_data() == "The demo data is here already.\n"
    assert (Task.objects.count(), Event.objects.count(), Notification.objects.count()) == before


@pytest.mark.django_db
def test_refuses_where_it_is_not_allowed(settings):
    settings.DEMO_ALLOWED = False

    with pytest.raises(CommandError, match="not for this installation"):
        load_demo_data()

    assert not User.objects.exists()


@pytest.mark.django_db
def test_refuses_to_mix_with_a_project_of_the_same_key():
    someone = User.objects.create(email="someone@example.com", handle="someone", name="Someone")
    projects.create(actor=someone, key="WEB", name="Mine")

    with pytest.raises(CommandError, match="nothing was written"):
        load_demo_data()

    assert list(User.objects.all()) == [someone]
    assert not Task.objects.exists()
