"""Pages of the administration: present, searchable, constant query counts, no inline code."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.contrib import admin as registry
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.urls import reverse

from accounts.auth.mfa import services as mfa
from accounts.models import EmailChange, SecurityChange, User
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
from analytics.models import DailyStat, RequestStatistics, TaskSnapshot
from analytics.rollups.histogram import BUCKET_COUNT
from core.db import uuid7
from core.models import IdempotencyRecord
from core.testing.page_client import log_in, visible_text
from events.models import ArchivedEvents, Delivery, Event, LogHead, PersonalData
from notifications.models import Preference
from notifications.tests.factories import make_email
from tasks.models import CalendarFeed, CommentVersion, ImportedRecord, ProjectFavourite, ProjectInvitation, Task
from tasks.tests.attachments import make_attachment
from tasks.tests.factories import (
    AssigneeFactory,
    BulkJobFactory,
    ChecklistItemFactory,
    CommentFactory,
    FieldFactory,
    FieldValueFactory,
    FilterMatchFactory,
    ImportJobFactory,
    LabelFactory,
    LinkShareFactory,
    MemberFactory,
    OptionFactory,
    ProjectFactory,
    ProjectTeamFactory,
    ReactionFactory,
    RecurrenceFactory,
    ReminderFactory,
    TaskFactory,
    TaskRelationFactory,
    TaskShareFactory,
    TaskWatchFactory,
    TimeEntryFactory,
    make_trash_entry,
)

PROJECT_MODELS = ("accounts", "tasks", "events", "notifications", "analytics")
MODELS = [
    model
    for label in PROJECT_MODELS
    for model in apps.get_app_config(label).get_models()
    if not model._meta.auto_created
]
INLINE_CODE = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>|\sstyle=|\son\w+=|href=\"javascript:", re.IGNORECASE)
# The default text of a manager, of a model without __str__ and of an object; a dict, and a list of texts.
RAW_VALUE = re.compile(r".{,30}(\w\.None\b|\bobject \(|<\w[\w.]* object|__proxy__|\{[\"']|\[[\"']).{,60}")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def pages(client, admin, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"  # query counts must not depend on the cache
    log_in(client, admin)
    return client


def admin_url(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def create_all_models(number):
    """Create a row of every model, with related rows of its own."""
    user = UserFactory(handle=f"one-of-all-{number}")  # the factory itself makes user1, user2 ...
    SessionFactory(user=user)
    TeamMemberFactory(team=TeamFactory(), user=user)
    AvatarFactory(user=user)
    create_api_key(user)
    ExportFactory(user=user)
    AccountDeletionFactory()
    mfa.create_challenge(user=with_totp(UserFactory()), methods=["code"], now=NOW)
    invitation = InvitationFactory(inviter=user)
    project = ProjectFactory(owner=user)
    EmailChange.objects.create(user=user, email="former@example.com", changed_at=NOW, expires_at=NOW)
    SecurityChange.objects.create(user=user, change="password_changed", changed_at=NOW, expires_at=NOW + timedelta(1))
    MemberFactory(project=project)
    ProjectFavourite.objects.create(project=project, user=user, position="V")
    project.sections.create(name="Phase 1")
    CalendarFeed.objects.create(user=user, token_digest=f"{number:064}")
    project.task_templates.create(name="Weekly", content={"title": "Report"})
    ProjectTeamFactory(project=project, team=TeamFactory())
    task = TaskFactory(project=project, creator=UserFactory(), due_date=NOW.date())
    task.former_keys.create(project_key=f"OLD{number}", number=1)
    RecurrenceFactory(task=task)
    ReminderFactory(task=task, user=user)
    LabelFactory(project=project)
    ProjectInvitation.objects.create(invitation=invitation, project=project)
    CommentFactory(task=task, author=UserFactory())
    ChecklistItemFactory(task=task)
    TaskRelationFactory(source=task, target=TaskFactory(project=project, creator=UserFactory()))
    FilterMatchFactory(task=task, user=user, subscription__saved_filter__everyone=True)
    make_attachment(task, UserFactory())
    comment = CommentFactory(task=task, author=UserFactory())
    AssigneeFactory(task=task, user=user)
    TaskShareFactory(task=task, user=UserFactory())
    BulkJobFactory(user=user)
    LinkShareFactory(task=task, creator=user)
    ReactionFactory(task=task, user=UserFactory())
    TaskWatchFactory(task=task, user=UserFactory())
    ImportedRecord.objects.create(project=project, source="todoist", external_id=str(number), task=task)
    ImportJobFactory(project=project, user=user)
    TimeEntryFactory(task=task)
    field = FieldFactory(project=project, kind="select")
    FieldValueFactory(task=task, field=field, option=OptionFactory(field=field, slug="low"))
    make_trash_entry(project)
    CommentVersion.objects.create(comment=comment, version=1, body="Once", created_at=NOW)
    make_email(user)
    Preference.objects.create(user=user, kind="assigned", channel="email", enabled=True)
    event = Event.objects.create(
        name="task.created",
        subject_type="task",
        subject_id=task.pk,
        payload={"task": {"key": "OPS-1"}},
        occurred_at=NOW,
    )
    Delivery.objects.create(event=event, consumer=f"consumer.{number}", next_attempt_at=NOW)
    PersonalData.objects.create(event=event, user_id=user.pk, salt=b"", data=[])
    LogHead.objects.get_or_create(pk=1)
    ArchivedEvents.objects.create(
        first_position=number, last_position=number, event_count=1, last_occurred_at=NOW, file_name="events.jsonl.gz"
    )
    TaskSnapshot.objects.create(
        task_id=task.pk, project_id=project.pk, category="todo", created_at=NOW, assignee_ids=[], priority=0, version=1
    )
    RequestStatistics.objects.create(
        period="minute", start=NOW + timedelta(minutes=number), buckets=[0] * 30, client_errors=0, server_errors=0,
        rate_limited=0, shed=0,
    )  # fmt: skip
    DailyStat.objects.create(day=NOW.date(), project_id=project.pk, user_id=user.pk, cycle_histogram=[0] * BUCKET_COUNT)


def test_list_pages_can_be_searched_and_filtered(pages, subtests):
    create_all_models(1)
    for model in MODELS:
        with subtests.test(model.__name__):
            filters = registry.site.get_model_admin(model).list_filter
            searchable = registry.site.get_model_admin(model).search_fields

            responses = [pages.get(admin_url(model, "changelist"))]
            responses += [
                pages.get(admin_url(model, "changelist"), {"q": query})
                for query in ("42", str(uuid7()), "OPS-1", "é%_'")
            ]
            responses += [
                pages.get(admin_url(model, "changelist"), {f"{name}__exact": "1"})
                for name in filters
                if isinstance(name, str)
            ]

            assert {response.status_code for response in responses} <= {200, 302}
            assert bool(searchable) or model is LogHead
            assert not any(INLINE_CODE.search(response.content) for response in responses)


def test_list_page_query_counts_are_constant(pages, queries, subtests):
    create_all_models(1)
    small = {}
    for model in MODELS:
        pages.get(admin_url(model, "changelist"))
        with subtests.test(f"{model.__name__} with one row"), queries(at_most=14) as small[model]:
            pages.get(admin_url(model, "changelist"))

    for number in range(2, 8):
        create_all_models(number)

    for model in MODELS:
        with subtests.test(model.__name__):
            with queries(equal_to=small[model]):
                response = pages.get(admin_url(model, "changelist"))
            assert response.status_code == 200


def test_change_pages_have_no_inline_code(pages, subtests):
    create_all_models(1)
    for model in MODELS:
        with subtests.test(model.__name__):
            response = pages.get(admin_url(model, "change", model._default_manager.order_by("-pk").first().pk))

            assert response.status_code == 200
            assert not INLINE_CODE.search(response.content)
            assert "'unsafe-inline'" not in response["Content-Security-Policy"]


def test_pages_show_no_raw_python_or_json(pages):
    create_all_models(1)
    user = UserFactory()
    EmailAddress.objects.create(user=user, email=user.email)
    SocialAccount.objects.create(user=user, provider="corporate", uid="1", extra_data={"email": user.email})
    IdempotencyRecord.objects.create(user_id=user.pk, key="1", status=201, headers={"ETag": "1"}, body=b"{}")
    rows = {model: model._default_manager.order_by("-pk").first() for model in registry.site._registry}
    urls = [admin_url(model, "changelist") for model in rows]
    urls += [admin_url(model, "change", row.pk) for model, row in rows.items() if row is not None]

    texts = {url: unescape(visible_text(pages.get(url))) for url in urls}

    raw_values = {url: match[0] for url, text in texts.items() if (match := RAW_VALUE.search(text))}
    assert {model.__name__ for model, row in rows.items() if row is None} == set()
    assert raw_values == {}


def test_add_pages_have_no_inline_code_or_are_forbidden(pages, subtests):
    for model in MODELS:
        with subtests.test(model.__name__):
            response = pages.get(admin_url(model, "add"))

            assert response.status_code in {200, 403}
            assert not INLINE_CODE.search(response.content)


@pytest.mark.parametrize("user", ["alice", "carol"])
def test_list_pages_redirect_users_who_are_not_admins(user, client, request):
    log_in(client, request.getfixturevalue(user))

    for model in MODELS:
        response = client.get(admin_url(model, "changelist"))

        assert response.status_code == 302, model
        assert response["Location"].startswith("/admin/login/"), model


@pytest.mark.parametrize("method", ["get", "post"])
def test_admin_login_redirects_to_the_login_page(method, client, admin):
    data = {"username": "admin@example.com", "password": "a quiet river bends"}

    response = getattr(client, method)("/admin/login/?next=/admin/tasks/task/", data if method == "post" else None)

    assert (response.status_code, response["Location"]) == (302, "/login/?next=%2Fadmin%2Ftasks%2Ftask%2F")
    assert client.get("/admin/").status_code == 302


def test_admin_login_is_forbidden_for_other_users(client, alice):
    log_in(client, alice)

    assert client.get("/admin/login/").status_code == 403


@pytest.mark.parametrize(
    "name",
    [
        "task",
        "project",
        "projectmember",
        "state",
        "label",
        "comment",
        "checklistitem",
        "taskassignee",
        "taskshare",
        "filtermatch",
        "importjob",
    ],
)
def test_inbox_projects_are_hidden_from_admins(name, pages, inbox, alice):
    task = TaskFactory(project=inbox, title="Find a present")
    CommentFactory(task=task)
    ChecklistItemFactory(task=task)
    TaskRelationFactory(source=task, target=TaskFactory(project=task.project))
    FilterMatchFactory(task=task, user=alice)
    AssigneeFactory(task=task, user=alice)
    LabelFactory(project=inbox)
    TaskShareFactory(task=task, user=alice)
    ImportJobFactory(project=inbox, user=alice)
    model = apps.get_model("tasks", name)

    listed = pages.get(admin_url(model, "changelist"))
    opened = pages.get(admin_url(model, "change", model._default_manager.first().pk))

    assert list(listed.context["cl"].result_list) == []
    assert opened.status_code == 302


def test_lookups_outside_the_filters_are_refused(pages, admin, rf):
    """No column is an oracle: a query by regex would tell a password's hash letter by letter."""

    def is_refused(query):
        request = rf.get("/", query)
        request.user = admin
        try:
            model_admin.get_changelist_instance(request)
        except DisallowedModelAdminLookup:
            return True
        return False

    for model, model_admin in registry.site._registry.items():
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        filters = {item[0] if isinstance(item, tuple) else item for item in model_admin.list_filter}
        paths = {field.name: field for field in model._meta.get_fields()}
        users = {
            f"{name}__{column}"
            for name, field in paths.items()
            if field.is_relation and field.related_model is User
            for column in ("password", "email")
        }
        hostile = (set(paths) - filters) | users | {"pk"}
        for name in sorted(hostile):
            for lookup in ("", "__regex", "__startswith", "__gte", "__in", "__isnull"):
                assert is_refused({f"{name}{lookup}": "a"}), f"{model.__name__}: {name}{lookup}"
        for name in sorted(name for name in filters if isinstance(name, str)):
            assert is_refused({f"{name}__regex": "a"}), f"{model.__name__}: {name}"
        # One of them by a whole request: the others would take minutes.
        assert pages.get(url, {"pk__regex": "a"}).status_code == 400, model


def test_filters_of_all_lists_still_filter(pages):
    create_all_models(1)
    for model in MODELS:
        page = pages.get(admin_url(model, "changelist"))
        for query in set(re.findall(rb'href="\?([^"]+)"', page.content)):
            response = pages.get(f"{admin_url(model, 'changelist')}?{unescape(query.decode())}")
            assert (response.status_code, b"e=1" in query) == (200, False), (model, query)


@pytest.mark.parametrize("language", ["en", "en-gb"])
def test_dates_are_written_as_on_the_pages(language, pages, admin):
    task = TaskFactory(due_date=date(2027, 3, 4))
    Task.objects.filter(pk=task.pk).update(updated_at=datetime(2027, 3, 5, 15, 6, tzinfo=UTC))
    User.objects.filter(pk=admin.pk).update(language=language, time_zone="UTC")

    text = visible_text(pages.get(admin_url(Task, "changelist")))

    assert ("4 Mar 2027" in text, "5 Mar 2027, 15:06" in text) == (True, True)
    assert not re.search(r"March|Mar\.|[ap]\.m\.", text)
