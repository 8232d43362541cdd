from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from core.errors import Conflict, DomainError, NotAllowed, NotFound
from events.models import Event
from tasks.imports import services
from tasks.imports.plan import ImportPlan
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.models import Comment, ImportedRecord, Label, Project, Task
from tasks.projects import services as projects

PlanOf = Callable[[str], ImportPlan]
REAL = ["basic-test.csv", "full-todoist-project.csv", "unicode-and-quotes.csv"]


def contents() -> dict[str, int]:
    return {kind.__name__: kind.objects.count() for kind in (Task, Comment, Label, ImportedRecord, Event)}


@pytest.mark.parametrize(("name", "tasks", "comments"), [(REAL[0], 3, 3), (REAL[1], 8, 9), (REAL[2], 3, 2)])
def test_imports_a_real_file(alice: User, project: Project, plan_of: PlanOf, name: str, tasks: int, comments: int):
    report = services.run_import(project_id=project.pk, actor=alice, plan=plan_of(name))

    assert (report.created, report.skipped, report.comments) == (tasks, 0, comments)
    assert (Task.objects.count(), Comment.objects.count()) == (tasks, comments)
    assert ImportedRecord.objects.count() == tasks + comments


def test_keeps_the_outline_the_order_and_the_fields(alice: User, project: Project, plan_of: PlanOf):
    services.run_import(project_id="OPS", actor=alice, plan=plan_of("full-todoist-project.csv"))

    tasks = {task.title: task for task in Task.objects.order_by("position")}
    assert list(tasks) == [
        "unclickable task",
        "clickable subtask, scheduled",
        "another subtask with a note",
        "task level one",
        "task level two",
        "task level three",
        "task level four",
        "task with various attachments",
    ]
    assert [task.number for task in tasks.values()] == list(range(1, 9))
    assert tasks["task level four"].parent == tasks["task level three"]
    assert tasks["task level one"].parent is None
    scheduled = tasks["clickable subtask, scheduled"]
    assert (scheduled.priority, scheduled.due_date) == (3, date(2027, 1, 4))
    assert sorted(label.name for label in scheduled.labels.all()) == ["/munich", "30min"]
    assert (scheduled.creator, scheduled.category, scheduled.version) == (alice, "todo", 1)


@pytest.mark.parametrize("name", REAL)
def test_same_file_again_changes_nothing(alice: User, bob: User, project: Project, plan_of: PlanOf, name: str):
    first = services.run_import(project_id=project.pk, actor=alice, plan=plan_of(name))
    before = contents()

    again = services.run_import(project_id=project.pk, actor=bob, plan=plan_of(name))

    assert (again.created, again.skipped, again.comments) == (0, first.created, 0)
    assert contents() == before
    project.refresh_from_db()
    assert project.next_number == first.created + 1


def test_grown_file_adds_only_what_is_new(alice: User, project: Project, plan_of: PlanOf):
    rows = "task,One,4,1\r\nnote,First\r\ntask,Two,4,2\r\n"
    services.run_import(project_id=project.pk, actor=alice, plan=plan_of(rows))

    report = services.run_import(
        project_id=project.pk,
        actor=alice,
        plan=plan_of("task,One,4,1\r\nnote,First\r\nnote,Second\r\ntask,Two,4,2\r\ntask,Three,4,3\r\ntask,One,4,1\r\n"),
    )

    assert (report.created, report.skipped, report.comments) == (2, 2, 1)
    assert Task.objects.get(title="Three").parent == Task.objects.get(title="Two")
    assert [comment.body for comment in Comment.objects.order_by("id")] == ["First", "Second"]


def test_deleted_task_is_not_imported_again(alice: User, project: Project, plan_of: PlanOf):
    services.run_import(project_id=project.pk, actor=alice, plan=plan_of("task,One,4,1\r\ntask,Two,4,1\r\n"))
    items.delete(actor=alice, ref="OPS-1", now=timezone.now())

    report = services.run_import(
        project_id=project.pk,
        actor=alice,
        plan=plan_of("task,One,4,1\r\nnote,Late\r\ntask,Below,4,2\r\ntask,Two,4,1\r\n"),
    )

    assert (report.created, report.comments) == (1, 0)
    assert Task.objects.get(title="Below").parent is None
    assert [(loss.row, loss.item) for loss in report.warnings] == [(3, "Late"), (4, "Below")]


def test_dry_run_says_the_same_and_writes_nothing(alice: User, project: Project, plan_of: PlanOf):
    before = contents()

    dry = services.run_import(project_id=project.pk, actor=alice, plan=plan_of(REAL[1]), dry_run=True)

    assert contents() == before
    wet = services.run_import(project_id=project.pk, actor=alice, plan=plan_of(REAL[1]))
    assert (dry.created, dry.skipped, dry.comments, dry.warnings) == (
        wet.created,
        wet.skipped,
        wet.comments,
        wet.warnings,
    )


def test_import_publishes_events_without_notifying(alice: User, bob: User, project: Project, plan_of: PlanOf):
    Event.objects.all().delete()

    services.run_import(project_id=project.pk, actor=alice, plan=plan_of("task,One,1,1,,Bob (7)\r\nnote,Ask @bob\r\n"))

    created, commented = Event.objects.order_by("id")
    assert (created.name, created.actor_id) == ("task.created", alice.pk)
    assert created.payload["task"]["assignee_ids"] == [str(bob.pk)]
    assert commented.name == "task.commented"
    assert commented.payload["task"]["key"] == "OPS-1"
    assert (commented.payload["mentioned_ids"], commented.payload["audience_ids"]) == ([], [])


@pytest.mark.parametrize("name", ["Bob (1000001)", "BOB", "bob@example.com"])
def test_responsible_member_is_assigned(alice: User, bob: User, project: Project, plan_of: PlanOf, name: str):
    report = services.run_import(project_id=project.pk, actor=alice, plan=plan_of(f"task,One,4,1,,{name}\r\n"))

    assert list(Task.objects.get().assignees.all()) == [bob]
    assert report.warnings == ()


@pytest.mark.parametrize("name", ["Alex", "Mallory", "mallory@example.com"])
def test_unmatched_name_is_kept_in_description(
    alice: User, mallory: User, project: Project, plan_of: PlanOf, name: str
):
    rows = f"task,One,4,1,,{name}\r\ntask,Two,4,1,,{name}\r\n"

    report = services.run_import(project_id=project.pk, actor=alice, plan=plan_of(rows))

    assert [(loss.row, loss.item) for loss in report.warnings] == [(2, f"Responsible: {name}")]
    assert {task.description for task in Task.objects.all()} == {f"Responsible: {name}"}
    assert not Task.objects.filter(assignees__isnull=False).exists()


def test_alias_maps_name_to_member(alice: User, bob: User, project: Project, plan_of: PlanOf):
    plan = plan_of("task,One,4,1,,Alex (1)\r\n")

    services.run_import(project_id=project.pk, actor=alice, plan=plan, aliases={"alex": "bob@example.com"})

    assert list(Task.objects.get().assignees.all()) == [bob]


def test_imported_comment_names_its_original_author(alice: User, bob: User, project: Project, plan_of: PlanOf):
    rows = "task,One,4,1\r\nnote,Mine,,,Alice (1)\r\nnote,His,,,Bob (2)\r\nnote,Unsigned\r\n"

    services.run_import(project_id=project.pk, actor=alice, plan=plan_of(rows))

    assert [(comment.author, comment.body) for comment in Comment.objects.order_by("id")] == [
        (alice, "Mine"),
        (alice, "*Bob wrote:*\n\nHis"),
        (alice, "Unsigned"),
    ]


def test_existing_label_is_used_whatever_its_case(alice: User, project: Project, plan_of: PlanOf):
    items.create(actor=alice, project_ref="OPS", draft=TaskDraft(title="Old", labels=["Home"]), now=timezone.now())

    services.run_import(project_id=project.pk, actor=alice, plan=plan_of("task,New @home,4,1\r\n"))

    assert [label.name for label in Label.objects.all()] == ["Home"]
    assert Task.objects.get(title="New").labels.get().name == "Home"


@pytest.mark.parametrize("labels", ["@İ @i", "@straße @STRASSE", "@Σ @ς @σ", "@ẞ @ß"])
def test_labels_that_are_one_to_the_database_are_one(alice: User, project: Project, plan_of: PlanOf, labels: str):
    services.run_import(project_id=project.pk, actor=alice, plan=plan_of(f"task,New {labels},4,1\r\n"))

    assert Task.objects.get().labels.get() == Label.objects.get()


def test_same_file_is_imported_into_each_project(alice: User, project: Project, plan_of: PlanOf):
    other = projects.create(actor=alice, key="WEB", name="Web")

    for taker in (project, other):
        services.run_import(project_id=taker.pk, actor=alice, plan=plan_of(REAL[0]))

    assert {key: Task.objects.filter(project__key=key).count() for key in ("OPS", "WEB")} == {"OPS": 3, "WEB": 3}


@pytest.mark.parametrize(("who", "error"), [("viewer", NotAllowed), ("mallory", NotFound)])
def test_import_is_denied_below_editor(
    request: Any, project: Project, plan_of: PlanOf, who: str, error: type[DomainError]
):
    actor = request.getfixturevalue(who)
    before = contents()

    with pytest.raises(error):
        services.run_import(project_id=project.pk, actor=actor, plan=plan_of(REAL[0]))

    assert contents() == before


def test_archived_project_takes_nothing(alice: User, project: Project, plan_of: PlanOf):
    projects.archive(actor=alice, ref="OPS", now=timezone.now())
    before = contents()

    with pytest.raises(Conflict):
        services.run_import(project_id=project.pk, actor=alice, plan=plan_of(REAL[0]))

    assert contents() == before


def test_unknown_project_is_not_found(alice: User, project: Project, plan_of: PlanOf):
    with pytest.raises(NotFound):
        services.run_import(project_id=uuid.uuid4(), actor=alice, plan=plan_of(REAL[0]))


def test_queries_do_not_grow_with_the_file(
    alice: User, project: Project, plan_of: PlanOf, django_assert_max_num_queries: Any
):
    rows = "".join(f"task,Task {number} @label{number % 5},4,1\r\nnote,Note {number}\r\n" for number in range(200))

    with django_assert_max_num_queries(45):
        services.run_import(project_id=project.pk, actor=alice, plan=plan_of(rows))

    assert Task.objects.count() == 200


def test_imported_comment_says_when_it_was_written(alice: User, project: Project, plan_of: PlanOf):
    rows = (
        "task,One,4,1\r\nnote,Mine,,,Alice (1),,2018-06-08T07:02:05.000000Z\r\nnote,Theirs,,,Kim (2),,last spring\r\n"
    )

    services.run_import(project_id=project.pk, actor=alice, plan=plan_of(rows))

    assert list(Comment.objects.order_by("id").values_list("body", flat=True)) == [
        "*Written on 2018-06-08 at 07:02 UTC:*\n\nMine",
        "*Kim wrote on last spring:*\n\nTheirs",
    ]
