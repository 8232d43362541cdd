from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from analytics.rollups import services as rollups
from demo.load_test import generate_load_test
from demo.personas import LOAD_TEST_PERSONA, PASSWORD, PROJECTS, TEAM_PERSONAS
from demo.scenario import ScenarioGenerator, TaskScenario
from demo.task_titles import TITLE_TEMPLATES
from events import audit
from events.models import Delivery, Event
from notifications.models import Notification, OutgoingEmail
from tasks.items.reminders import publish_due_soon
from tasks.models import Comment, Project, Task
from tasks.projects import services as projects

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


def generate_scenarios(now: datetime = NOW) -> list[TaskScenario]:
    return [
        scenario for project in PROJECTS for scenario in ScenarioGenerator(project, now, Random(project.key)).generate()
    ]


def run_demo_command() -> str:
    output = StringIO()
    call_command("demo", stdout=output)
    return output.getvalue()


def test_scenarios_are_equal_for_the_same_seed():
    assert generate_scenarios() == generate_scenarios()


def test_scenario_steps_are_in_order_and_in_the_past():
    for scenario in generate_scenarios() + generate_load_test(NOW, Random(1)):
        times = [scenario.created_at, *(step.at for step in scenario.steps)]
        assert times == sorted(times), scenario.title
        assert times[-1] < NOW


def test_scenarios_are_about_four_hundred_on_any_weekday():
    for day in range(7):
        count = len(generate_scenarios(NOW + timedelta(days=day)))

        assert 390 <= count <= 404, day


def test_scenario_steps_are_rarely_at_weekends():
    days = [step.at.weekday() for scenario in generate_scenarios() for step in scenario.steps]

    assert sum(day > 4 for day in days) < 0.1 * len(days)


def test_title_templates_have_unique_titles_and_known_labels():
    for project in PROJECTS:
        templates = TITLE_TEMPLATES[project.key]
        titles = [title for template in templates for title in template.titles()]
        assert len(titles) == len(set(titles))
        assert {label for template in templates for label in template.labels} <= {name for name, _ in project.labels}


@pytest.fixture(scope="module")
def demo_data(django_db_setup, django_db_blocker):
    """The demo data, loaded once for the tests that only read it."""
    with django_db_blocker.unblock(), transaction.atomic():
        run_demo_command()
        yield
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def test_demo_command_loads_team_and_tasks_without_email(demo_data):
    assert set(User.objects.values_list("email", flat=True)) == {
        persona.email for persona in (*TEAM_PERSONAS, LOAD_TEST_PERSONA)
    }
    sizes = dict(Project.objects.annotate(size=Count("tasks")).values_list("key", "size"))
    assert (sizes["LOAD"], set(sizes)) == (1000, {"OPS", "WEB", "MOB", "HIRE", "LOAD"})
    assert 390 <= sum(sizes.values()) - 1000 <= 404
    assert set(Task.objects.values_list("category", flat=True)) == {"todo", "in_progress", "done", "cancelled"}
    assert Task.objects.exclude(project__key="LOAD").overdue(timezone.now(), timezone.now().date()).count() >= 5
    assert Comment.objects.count() > 100
    assert not OutgoingEmail.objects.exists()
    assert mail.outbox == []


def test_demo_lead_can_sign_in_and_has_unread_notifications(demo_data):
    lead = User.objects.get(email="lead@example.com")
    assert lead.check_password(PASSWORD)
    inbox = Notification.objects.filter(recipient=lead)
    assert (inbox.count(), inbox.filter(read_at=None).count()) == (14, 7)
    assert not Notification.objects.exclude(recipient=lead).exists()


def test_demo_tasks_due_soon_are_marked_as_announced(demo_data):
    assert publish_due_soon(now=timezone.now()) == 0


def test_demo_command_run_twice_changes_nothing(demo_data):
    before = (Task.objects.count(), Event.objects.count(), Notification.objects.count())

    assert run_demo_command() == "The demo data is already loaded.\n"
    assert (Task.objects.count(), Event.objects.count(), Notification.objects.count()) == before


@pytest.mark.django_db(transaction=True)
def test_demo_event_log_is_valid_delivered_and_matches_stats():
    run_demo_command()

    assert audit.verify().invalid_position is None
    assert not Event.objects.filter(position=None).exists()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    assert not rollups.verify()
    versions = dict(Event.objects.filter(name="task.updated").values_list("subject_id").annotate(count=Count("id")))
    assert all(task.version == 1 + versions.get(task.pk, 0) for task in Task.objects.all())


@pytest.mark.django_db
def test_demo_command_is_refused_where_it_is_not_allowed(settings):
    settings.DEMO_ALLOWED = False

    with pytest.raises(CommandError, match="not allowed in this environment"):
        run_demo_command()

    assert not User.objects.exists()


@pytest.mark.django_db
def test_demo_command_is_refused_where_a_project_key_is_taken():
    other_user = User.objects.create(email="other@example.com", handle="other", name="Other")
    projects.create(actor=other_user, key="WEB", name="Mine")

    with pytest.raises(CommandError, match="nothing was written"):
        run_demo_command()

    assert list(User.objects.all()) == [other_user]
    assert not Task.objects.exists()
