"""Every page of the administration: found, searchable, as cheap for many rows as for one, and without inline code."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.contrib import admin as registry
from django.urls import reverse

from accounts.auth.mfa import services as mfa
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import (
    AccountDeletionFactory,
    AvatarFactory,
    ExportFactory,
    InvitationFactory,
    SessionFactory,
    TeamFactory,
    TeamMemberFactory,
    UserFactory,
)
from accounts.tests.mfa import with_totp
from analytics.models import DailyStat, TaskSnapshot
from analytics.rollups.histogram import BUCKET_COUNT
from core.db import uuid7
from core.testing.page_client import log_in
from events.models import Delivery, Event, LogHead
from notifications.models import Preference
from notifications.tests.factories import make_email
from tasks.models import ImportedRecord, ProjectInvitation
from tasks.tests.factories import (
    AssigneeFactory,
    CommentFactory,
    LabelFactory,
    MemberFactory,
    ProjectFactory,
    ProjectTeamFactory,
    TaskFactory,
    TaskShareFactory,
)

PROJECT_MODELS = ("accounts", "tasks", "events", "notifications", "analytics")
MODELS = [
    model
    for label in PROJECT_MODELS
    for model in apps.get_app_config(label).get_models()
    if not model._meta.auto_created
]
INLINE_CODE = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>|\sstyle=|\son\w+=|href=\"javascript:", re.IGNORECASE)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def pages(client, admin, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"  # the same cost whatever the cache holds
    log_in(client, admin)
    return client


def admin_url(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def add_one_of_everything(number):
    """Make a row of every model, with relatives of its own."""
    user = UserFactory(handle=f"somebody{number}")
    SessionFactory(user=user)
    TeamMemberFactory(team=TeamFactory(), user=user)
    AvatarFactory(user=user)
    create_api_key(user)
    ExportFactory(user=user)
    AccountDeletionFactory()
    mfa.create_challenge(user=with_totp(UserFactory()), now=NOW)
    invitation = InvitationFactory(inviter=user)
    project = ProjectFactory(owner=user)
    MemberFactory(project=project)
    ProjectTeamFactory(project=project, team=TeamFactory())
    task = TaskFactory(project=project, creator=UserFactory())
    LabelFactory(project=project)
    ProjectInvitation.objects.create(invitation=invitation, project=project)
    CommentFactory(task=task, author=UserFactory())
    AssigneeFactory(task=task, user=user)
    TaskShareFactory(task=task, user=UserFactory())
    ImportedRecord.objects.create(project=project, source="todoist", external_id=str(number), task=task)
    make_email(user)
    Preference.objects.create(user=user, kind="assigned", channel="email", enabled=True)
    fact = Event.objects.create(
        name="task.created", subject_type="task", subject_id=task.pk, payload={}, occurred_at=NOW
    )
    Delivery.objects.create(event=fact, consumer=f"somebody.{number}", next_attempt_at=NOW)
    LogHead.objects.get_or_create(pk=1)
    TaskSnapshot.objects.create(
        task_id=task.pk, project_id=project.pk, category="todo", created_at=NOW, assignee_ids=[], priority=0, version=1
    )
    DailyStat.objects.create(day=NOW.date(), project_id=project.pk, user_id=user.pk, cycle_histogram=[0] * BUCKET_COUNT)


def test_every_model_of_ours_has_its_pages():
    assert [model.__name__ for model in MODELS if not registry.site.is_registered(model)] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_is_searched_and_filtered(model, pages):
    add_one_of_everything(1)
    filters = registry.site.get_model_admin(model).list_filter
    searchable = registry.site.get_model_admin(model).search_fields

    answers = [pages.get(admin_url(model, "changelist"))]
    answers += [
        pages.get(admin_url(model, "changelist"), {"q": words}) for words in ("42", str(uuid7()), "OPS-1", "é%_'")
    ]
    answers += [
        pages.get(admin_url(model, "changelist"), {f"{name}__exact": "1"}) for name in filters if isinstance(name, str)
    ]

    assert {answer.status_code for answer in answers} <= {200, 302}
    assert bool(searchable) or model is LogHead
    assert not any(INLINE_CODE.search(answer.content) for answer in answers)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_of_many_costs_what_a_list_of_one_costs(model, pages, queries):
    add_one_of_everything(1)
    pages.get(admin_url(model, "changelist"))
    with queries(at_most=14) as small:
        pages.get(admin_url(model, "changelist"))

    for number in range(2, 8):
        add_one_of_everything(number)

    with queries(equal_to=small):
        answer = pages.get(admin_url(model, "changelist"))
    assert answer.status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_row_has_a_page_without_inline_code(model, pages):
    add_one_of_everything(1)

    answer = pages.get(admin_url(model, "change", model._default_manager.order_by("-pk").first().pk))

    assert answer.status_code == 200
    assert not INLINE_CODE.search(answer.content)
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_new_row_is_made_by_a_form_or_not_at_all(model, pages):
    answer = pages.get(admin_url(model, "add"))

    assert answer.status_code in {200, 403}
    assert not INLINE_CODE.search(answer.content)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("who", ["alice", "carol"])
def test_only_administrators_come_in(who, model, client, request):
    log_in(client, request.getfixturevalue(who))

    answer = client.get(admin_url(model, "changelist"))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_way_in_is_the_door_that_everybody_takes(method, client, admin):
    sent = {"username": "admin@example.com", "password": "a quiet river bends"}

    answer = getattr(client, method)("/admin/login/?next=/admin/tasks/task/", sent if method == "post" else None)

    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=%2Fadmin%2Ftasks%2Ftask%2F")
    assert client.get("/admin/").status_code == 302


def test_who_is_signed_in_and_no_administrator_is_told_so(client, alice):
    log_in(client, alice)

    assert client.get("/admin/login/").status_code == 403


@pytest.mark.parametrize(
    "name", ["task", "project", "projectmember", "state", "label", "comment", "taskassignee", "taskshare"]
)
def test_an_inbox_of_somebody_else_stays_private(name, pages, inbox, alice):
    task = TaskFactory(project=inbox, title="Find a present")
    CommentFactory(task=task)
    AssigneeFactory(task=task, user=alice)
    LabelFactory(project=inbox)
    TaskShareFactory(task=task, user=alice)
    model = apps.get_model("tasks", name)

    listed = pages.get(admin_url(model, "changelist"))
    opened = pages.get(admin_url(model, "change", model._default_manager.first().pk))

    assert list(listed.context["cl"].result_list) == []
    assert opened.status_code == 302
