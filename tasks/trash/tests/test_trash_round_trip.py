"""Round trip of tasks, comments, labels and projects through the trash."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import CASCADE, SET_NULL, ForeignKey

from accounts.models import User
from accounts.tests.factories import InvitationFactory, TeamFactory, TeamMemberFactory, UserFactory
from core.testing.database_state import table_digests
from tasks.attachments import services as attachments
from tasks.comments import services as comments
from tasks.items import services as items
from tasks.models import (
    Attachment,
    Comment,
    CommentVersion,
    FieldKind,
    FilterSubscription,
    ImportedRecord,
    Label,
    Project,
    ProjectInvitation,
    ProjectMember,
    Role,
    State,
    StoredFile,
    Task,
    TrashEntry,
)
from tasks.projects import labels
from tasks.projects import services as projects
from tasks.saved_filters import services as saved_filters
from tasks.tests.factories import (
    AssigneeFactory,
    ChecklistItemFactory,
    CommentFactory,
    FieldFactory,
    FieldValueFactory,
    FilterMatchFactory,
    FilterSubscriptionFactory,
    ImportJobFactory,
    LabelFactory,
    LinkShareFactory,
    MemberFactory,
    OptionFactory,
    ProjectFactory,
    ProjectTeamFactory,
    RecurrenceFactory,
    ReminderFactory,
    SavedFilterFactory,
    TaskFactory,
    TaskRelationFactory,
    TaskShareFactory,
    TaskWatchFactory,
    TimeEntryFactory,
)
from tasks.trash import services

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# Rows that the trash does not store, and counters of the log.
LOG_TABLES = {"events_event", "tasks_trashentry"}


def belongings(*models):
    """Return the models that refer to these, directly or not."""
    reached, waiting = set(), list(models)
    while waiting:
        target = waiting.pop()
        for model in apps.get_models(include_auto_created=True):
            keys = [field for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]
            if model not in reached and any(
                field.related_model is target and field.remote_field.on_delete in {CASCADE, SET_NULL} for field in keys
            ):
                reached.add(model)
                waiting.append(model)
    return reached


def create_minimal(model, samples):
    """Create a row of a model that the fixture does not know yet; where this fails, add one by its factory there."""
    values = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, ForeignKey) and field.related_model in samples:
            values[field.name] = samples[field.related_model]
        elif field.null or field.has_default() or field.primary_key or field.generated:
            continue
        elif isinstance(field, ForeignKey):
            values[field.name] = field.related_model._default_manager.first()
        elif field.choices:
            values[field.name] = field.choices[0][0]
        else:
            sample_values = {"DateField": NOW.date(), "DateTimeField": NOW, "CharField": "x", "TextField": "x"}
            values[field.name] = sample_values.get(field.get_internal_type(), 1)
    return model._default_manager.create(**values)


@pytest.fixture
def full_project(alice, bob):
    """Return a project with a row of every model that belongs to it."""
    project = ProjectFactory(key="FULL", owner=alice, description="ä \\ \" 'x'")
    MemberFactory(project=project, user=bob)
    crew = TeamMemberFactory(team=TeamFactory(), user=UserFactory(handle="crew")).team
    TeamMemberFactory(team=crew, user=bob)
    ProjectTeamFactory(project=project, team=crew, role=Role.VIEWER)
    parent = TaskFactory(project=project, title="Parent", due_at=NOW, estimate=90)
    task = TaskFactory(project=project, title="Ünïcode \t title", description="# Text\n\n'quoted'", parent=parent)
    child = TaskFactory(project=project, title="Child", parent=task)
    AssigneeFactory(task=task, user=bob)
    AssigneeFactory(task=child, user=bob)
    task.labels.add(LabelFactory(project=project, name="urgent"))
    comment = CommentFactory(task=task, author=bob, body="First\n\nsecond", version=2)
    CommentVersion.objects.create(comment=comment, version=1, body="Once", created_at=NOW)
    TaskShareFactory(task=task, user=UserFactory(handle="guest"))
    ChecklistItemFactory(task=task, assignee=bob)
    file = StoredFile.objects.create(name="2026/03/a", size=1, sha256="a" * 64, media_type="text/plain")
    attachment = Attachment.objects.create(task=task, uploader=bob, file=file, name="a.txt")
    field = FieldFactory(project=project, kind=FieldKind.SELECT)
    option = OptionFactory(field=field, slug="low")
    FieldValueFactory(task=task, field=field, option=option)
    number = FieldFactory(project=project, kind=FieldKind.NUMBER)
    FieldValueFactory(task=task, field=number, number=Decimal("12345678901234.123456"))
    TaskRelationFactory(source=task, target=child)
    ReminderFactory(task=task, user=bob)
    RecurrenceFactory(task=TaskFactory(project=project, title="Daily", due_date=NOW.date()))
    TaskWatchFactory(task=task, user=bob)
    LinkShareFactory(task=task, creator=alice)
    saved_filter = SavedFilterFactory(owner=alice, project=project)
    subscription = FilterSubscriptionFactory(saved_filter=saved_filter, user=bob)
    FilterMatchFactory(task=task, subscription=subscription)
    TimeEntryFactory(task=task)
    ImportJobFactory(project=project, user=alice)
    ImportedRecord.objects.create(project=project, source="todoist", external_id="a" * 64, task=task)
    invitation = InvitationFactory(inviter=alice)
    ProjectInvitation.objects.create(invitation=invitation, project=project)
    for model in belongings(Project, Task):
        if model is not TrashEntry and not model._default_manager.exists():
            create_minimal(model, {Project: project, Task: task, Comment: comment, Label: task.labels.get(), User: bob})
    # An entry of the project that is in the trash already, when the project goes there.
    older = TaskFactory(project=project, title="Older")
    items.delete(actor=alice, ref=str(older.pk), now=NOW)
    project.sample = {
        "task": task,
        "comment": comment,
        "attachment": attachment,
        "label": Label.objects.get(project=project),
        "saved_filter": saved_filter,
    }
    return project


def rows_of(models):
    """Return all rows of these models as JSON, without what every write sets."""
    tables = {}
    for model in models:
        pk = connection.ops.quote_name(model._meta.pk.column)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (to_jsonb(t) - 'version' - 'updated_at')::text "  # noqa: S608 -- names of models
                f"FROM {model._meta.db_table} t ORDER BY t.{pk}"
            )
            tables[model._meta.label] = [row[0] for row in cursor.fetchall()]
    return tables


def test_full_project_has_rows_of_every_belonging_model(full_project):
    models = belongings(Project, Task)

    assert [model._meta.label for model in models if not model._default_manager.exists()] == []


DELETIONS = {
    "project": lambda project: projects.delete(actor=project.owner, ref=project.key, now=NOW),
    "task": lambda project: items.delete(actor=project.owner, ref=str(project.sample["task"].pk), now=NOW),
    "comment": lambda project: comments.delete(
        actor=project.owner,
        ref=str(project.sample["task"].pk),
        comment_id=project.sample["comment"].pk,
        now=NOW,
    ),
    "attachment": lambda project: attachments.delete(
        actor=project.owner,
        ref=str(project.sample["task"].pk),
        attachment_id=project.sample["attachment"].pk,
        now=NOW,
    ),
    "label": lambda project: labels.delete(actor=project.owner, label_id=project.sample["label"].pk, now=NOW),
    "saved_filter": lambda project: saved_filters.delete(
        actor=project.owner, filter_id=project.sample["saved_filter"].pk, now=NOW
    ),
}


@pytest.mark.parametrize("kind", DELETIONS)
def test_deleted_object_comes_back_with_all_rows(kind, full_project, alice):
    models = (belongings(Project, Task) | {Project}) - {TrashEntry}
    before = rows_of(models)
    object_id = full_project.pk if kind == "project" else full_project.sample[kind].pk
    DELETIONS[kind](full_project)
    entry = TrashEntry.objects.get(kind=kind, object_id=object_id)
    model = apps.get_model(entry.model_label)
    assert not model.objects.filter(pk=object_id).exists()
    restoration = services.restore(actor=alice, entry_id=entry.pk, now=NOW)
    FilterSubscription.objects.update(is_current=True)

    assert rows_of(models) == before
    assert restoration.skipped == {}
    assert not TrashEntry.objects.filter(pk=entry.pk).exists()


def test_project_entry_in_trash_keeps_its_older_entries(full_project, alice):
    older = TrashEntry.objects.get()
    projects.delete(actor=alice, ref="FULL", now=NOW)
    assert TrashEntry.objects.get(pk=older.pk).project_id is None
    entry = TrashEntry.objects.get(kind="project")

    services.restore(actor=alice, entry_id=entry.pk, now=NOW)

    assert TrashEntry.objects.get(pk=older.pk).project_id == full_project.pk


def test_restored_effective_roles_follow_the_teams_of_today(full_project, alice, bob):
    crew = UserFactory._meta.model.objects.get(handle="crew")
    assert ProjectMember.objects.get(project=full_project, user=crew).role is None
    projects.delete(actor=alice, ref="FULL", now=NOW)
    crew.team_memberships.all().delete()
    newcomer = UserFactory(handle="newcomer")
    TeamMemberFactory(team_id=bob.team_memberships.get().team_id, user=newcomer)

    restoration = services.restore(actor=alice, entry_id=TrashEntry.objects.get(kind="project").pk, now=NOW)

    roles = dict(ProjectMember.objects.filter(project=full_project).values_list("user__handle", "effective_role"))
    assert roles == {"alice": "admin", "bob": "editor", "newcomer": "viewer"}
    assert restoration.skipped == {"tasks.ProjectMember": 1}


def test_tables_without_stored_rows_stay_as_they_are(full_project, alice):
    before = table_digests()
    items.delete(actor=alice, ref=str(full_project.sample["task"].pk), now=NOW)
    entry = TrashEntry.objects.get(kind="task", object_id=full_project.sample["task"].pk)
    services.restore(actor=alice, entry_id=entry.pk, now=NOW)

    after = table_digests()

    assert {table for table in before if before[table] != after[table]} <= {"tasks_task", *LOG_TABLES}
    assert Comment.objects.count() == 1
    assert State.objects.filter(project=full_project).count() == 4
