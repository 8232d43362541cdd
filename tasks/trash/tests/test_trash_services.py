"""Restoration when the world has changed meanwhile, and who may do what with the trash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from accounts.tests.factories import UserFactory
from core.errors import Conflict, NotAllowed, NotFound
from core.testing.database_state import table_digests
from events.models import Event
from tasks import privacy
from tasks.comments import services as comments
from tasks.items import services as items
from tasks.models import Category, Label, ProjectMember, State, Task, TaskRelation, TaskShare, TrashEntry
from tasks.projects import labels
from tasks.projects import services as projects
from tasks.relations import services as relations
from tasks.tests.factories import (
    AssigneeFactory,
    CommentFactory,
    LabelFactory,
    ProjectFactory,
    TaskFactory,
    TaskRelationFactory,
    TaskShareFactory,
    TimeEntryFactory,
)
from tasks.trash import purging, services, storage

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def delete_task(task, actor):
    items.delete(actor=actor, ref=str(task.pk), now=NOW)
    return TrashEntry.objects.get(object_id=task.pk)


def restore(entry, actor):
    return services.restore(actor=actor, entry_id=entry.pk, now=NOW)


def test_deleted_task_is_gone_from_every_list(task, alice, clients):
    delete_task(task, alice)

    assert not Task.objects.exists()
    assert clients["alice"].get("/api/v1/tasks/").json()["results"] == []
    [entry] = clients["alice"].get("/api/v1/trash/").json()["results"]
    assert (entry["kind"], entry["title"], entry["project"]["key"]) == ("task", "OPS-1 Fix the printer", "OPS")


def test_restored_task_gets_a_version_of_its_own(task, alice):
    entry = delete_task(task, alice)

    restore(entry, alice)

    versions = [event.payload["task"]["version"] for event in Event.objects.order_by("pk")]
    task.refresh_from_db()
    assert (versions, task.version) == ([2, 3], 3)
    assert list(Event.objects.order_by("pk").values_list("name", flat=True)) == ["task.deleted", "task.restored"]


def test_taken_position_gets_a_neighbour(task, project, alice):
    last = TaskFactory(project=project)
    entry = delete_task(task, alice)
    TaskFactory(project=project, position=task.position, title="In its place")

    restore(entry, alice)

    titles = list(Task.objects.order_by("position").values_list("title", flat=True))
    assert titles == ["In its place", "Fix the printer", last.title]


def test_deleted_state_is_replaced(task, project, alice):
    review = State.objects.create(project=project, slug="review", name="Review", category=Category.DONE, position=9)
    Task.objects.filter(pk=task.pk).update(state=review, category=Category.DONE, closed_at=NOW)
    entry = delete_task(task, alice)
    review.delete()

    restore(entry, alice)

    task = Task.objects.select_related("state").get(pk=task.pk)
    assert (task.state.slug, task.category, task.closed_at) == ("done", "done", NOW)


def test_subtask_with_a_new_parent_stays_there(task, project, alice):
    child, other = TaskFactory(project=project, parent=task), TaskFactory(project=project)
    entry = delete_task(task, alice)
    items.update(actor=alice, ref=str(child.pk), changes={"parent": other.pk}, now=NOW)

    restore(entry, alice)

    child.refresh_from_db()
    assert child.parent_id == other.pk


def test_parent_below_its_former_subtask_closes_no_circle(task, project, alice):
    parent, child = TaskFactory(project=project), TaskFactory(project=project, parent=task)
    Task.objects.filter(pk=task.pk).update(parent=parent)
    entry = delete_task(task, alice)
    items.update(actor=alice, ref=str(parent.pk), changes={"parent": child.pk}, now=NOW)

    restore(entry, alice)

    parents = dict(Task.objects.values_list("pk", "parent"))
    assert parents == {task.pk: parent.pk, parent.pk: child.pk, child.pk: None}


def test_relation_that_closes_a_circle_does_not_come_back(task, project, alice):
    before, after = TaskFactory(project=project), TaskFactory(project=project)
    TaskRelationFactory(source=before, target=task)
    TaskRelationFactory(source=task, target=after)
    entry = delete_task(task, alice)
    relations.add(actor=alice, ref=str(after.pk), kind="blocks", task=str(before.pk), now=NOW)

    restoration = restore(entry, alice)

    pairs = set(TaskRelation.objects.values_list("source", "target"))
    assert pairs == {(before.pk, task.pk), (after.pk, before.pk)}
    assert restoration.skipped == {"tasks.TaskRelation": 1}


def test_gone_other_ends_are_skipped_and_counted(task, project, alice):
    task.labels.add(LabelFactory(project=project), LabelFactory(project=project))
    entry = delete_task(task, alice)
    Label.objects.first().delete()

    restoration = restore(entry, alice)

    assert (task.labels.count(), restoration.skipped) == (1, {"tasks.Task_labels": 1})


def test_former_member_is_not_assigned_again(task, project, alice, bob):
    AssigneeFactory(task=task, user=bob)
    entry = delete_task(task, alice)
    ProjectMember.objects.filter(user=bob).delete()

    restore(entry, alice)

    assert not task.assignees.exists()


def test_restoration_is_refused_without_its_project(task, project, alice):
    entry = delete_task(task, alice)
    projects.delete(actor=alice, ref="OPS", now=NOW)
    before = table_digests()

    with pytest.raises(Conflict, match="Restore the project first"):
        restore(entry, alice)

    assert table_digests() == before
    restore(TrashEntry.objects.get(kind="project"), alice)
    restore(entry, alice)
    assert Task.objects.get().title == "Fix the printer"


def test_comment_is_refused_without_its_task(task, comment, alice):
    comments.delete(actor=alice, ref=str(task.pk), comment_id=comment.pk, now=NOW)
    entry = TrashEntry.objects.get()
    delete_task(task, alice)

    with pytest.raises(Conflict, match="Restore the task first"):
        restore(entry, alice)


def test_taken_names_are_refused(project, label, alice):
    labels.delete(actor=alice, label_id=label.pk, now=NOW)
    LabelFactory(project=project, name="Urgent")
    empty = ProjectFactory(key="SAME", owner=alice)
    projects.delete(actor=alice, ref="SAME", now=NOW)
    ProjectFactory(key="SAME")
    before = table_digests()
    for entry in TrashEntry.objects.all():
        with pytest.raises(Conflict) as error:
            restore(entry, alice)
        assert error.value.code == "taken"
    assert table_digests() == before
    assert empty.pk is not None


def test_archived_project_takes_nothing_back(task, project, alice):
    entry = delete_task(task, alice)
    projects.archive(actor=alice, ref="OPS", now=NOW)

    with pytest.raises(Conflict) as error:
        restore(entry, alice)
    assert error.value.code == "archived"


def test_trash_is_for_editors_and_for_who_deleted(task, comment, alice, bob, viewer, project_admin, mallory):
    comments.delete(actor=bob, ref=str(task.pk), comment_id=comment.pk, now=NOW)
    entry = TrashEntry.objects.get()
    for reader, error in ((viewer, NotFound), (mallory, NotFound)):
        with pytest.raises(error):
            restore(entry, reader)
    ProjectMember.objects.filter(user=bob).update(role="viewer")
    with pytest.raises(NotAllowed):
        purging.purge(actor=bob, entry_id=entry.pk)
    restore(entry, project_admin)
    assert alice.pk != bob.pk


def test_deletion_beyond_the_limit_changes_nothing(task, alice, monkeypatch):
    CommentFactory.create_batch(6, task=task)
    monkeypatch.setattr(storage, "MAX_ROWS", 5)
    before = table_digests()

    with pytest.raises(Conflict, match="More than 5 rows") as error:
        delete_task(task, alice)

    assert (error.value.code, table_digests()) == ("too_many_rows", before)


def test_expired_entries_are_purged(task, project, alice):
    old = delete_task(task, alice)
    items.delete(actor=alice, ref=str(TaskFactory(project=project).pk), now=NOW + timedelta(days=1))

    count = purging.purge_expired(now=NOW + settings.TRASH_RETENTION)

    assert count == 1
    assert not TrashEntry.objects.filter(pk=old.pk).exists()
    assert TrashEntry.objects.count() == 1


def test_erased_user_leaves_the_trash(task, project, alice, bob):
    TaskShareFactory(task=task, user=bob)
    AssigneeFactory(task=task, user=bob)
    CommentFactory(task=task, author=bob, body="Stays")
    TaskShareFactory(task=task, user=UserFactory(handle="other"), shared_by=bob)
    entry = delete_task(task, bob)
    inbox = ProjectFactory(owner=bob, is_inbox=True)
    items.delete(actor=bob, ref=str(TaskFactory(project=inbox, title="Secret").pk), now=NOW)

    privacy.erase_user(bob.pk, NOW)

    entry.refresh_from_db()
    assert entry.deleted_by_id is None
    assert TrashEntry.objects.get() == entry
    restore(entry, alice)
    assert list(TaskShare.objects.values_list("user__handle", "shared_by")) == [("other", None)]
    assert not task.assignees.exists()
    assert task.comments.get().body == "Stays"


def test_deleted_comments_are_exported(task, comment, alice, bob):
    delete_task(task, alice)

    [row] = privacy.export_deleted_comments(bob.pk)
    [entry] = privacy.export_trash(alice.pk)

    assert (row["body"], row["task_id"]) == ("Looks good.", str(task.pk))
    assert entry["title"] == "OPS-1 Fix the printer"


def test_column_that_is_younger_than_the_entry_gets_its_default(task, alice):
    entry = delete_task(task, alice)
    [row] = entry.rows["tasks.Task"]
    del row["priority"]
    row["removed_column"] = 1
    TrashEntry.objects.filter(pk=entry.pk).update(rows=entry.rows | {"tasks.Removed": [{"id": 1}]})

    restoration = restore(entry, alice)

    assert Task.objects.get().priority == 0
    assert restoration.skipped == {"tasks.Removed": 1}


def test_running_timer_of_a_deleted_project_ends_and_comes_back(task, alice, project):
    TimeEntryFactory(task=task, user=alice, started_at=NOW - timedelta(minutes=5), ended_at=None, minutes=None)
    projects.delete(actor=alice, ref="OPS", now=NOW)
    elsewhere = TaskFactory(project=ProjectFactory(owner=alice))
    TimeEntryFactory(task=elsewhere, user=alice, ended_at=None, minutes=None)

    restoration = restore(TrashEntry.objects.get(), alice)

    assert restoration.skipped == {}
    assert task.time_entries.get().minutes == 5


def test_removed_member_gets_no_share_back(task, alice, bob, clients):
    guest = UserFactory()
    for user in (bob, guest):
        TaskShareFactory(task=task, user=user)
    entry = delete_task(task, alice)
    assert clients["alice"].delete(f"/api/v1/projects/OPS/members/{bob.pk}/").status_code == 204

    restore(entry, alice)

    assert list(TaskShare.objects.values_list("user", flat=True)) == [guest.pk]
