import pytest
from django.utils import timezone

from core.testing.concurrency import run_concurrently
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from events.models import Event
from tasks.items.tests.test_create_task import changed_since
from tasks.models import (
    ChecklistItem,
    CustomFieldValue,
    FormerTaskKey,
    Label,
    LinkShare,
    Role,
    Task,
    TaskAssignee,
    TaskWatch,
    WipPolicy,
)
from tasks.moving import plan, services
from tasks.tests.factories import (
    AssigneeFactory,
    ChecklistItemFactory,
    CommentFactory,
    FieldFactory,
    LabelFactory,
    LinkShareFactory,
    MemberFactory,
    OptionFactory,
    ProjectFactory,
    TaskFactory,
    TaskShareFactory,
)

pytestmark = pytest.mark.django_db
MOVE, PREVIEW = "/api/v1/tasks/OPS-1/move-to-project/", "/api/v1/tasks/OPS-1/move-to-project/preview/?project="


@pytest.fixture
def target(bob):
    return ProjectFactory(key="NEW", owner=bob)


@pytest.fixture
def furnished(project, task, target, alice, bob, carol):
    """A task with everything that may not come along, and a subtask."""
    review = project.states.create(slug="review", name="Review", category="in_progress", position=9)
    above = TaskFactory(project=project, title="Above")
    section = project.sections.create(name="Phase 1")
    Task.objects.filter(pk=task.pk).update(
        state=review, category="in_progress", started_at=timezone.now(), parent=above, section=section
    )
    task.labels.set([LabelFactory(project=project, name="Bug"), LabelFactory(project=project, name="Rare")])
    LabelFactory(project=target, name="bug")
    for user in (alice, bob):
        AssigneeFactory(task=task, user=user)
    ChecklistItemFactory(task=task, assignee=alice)
    for kind, key, value in (("number", "cost", {"number": 5}), ("text", "note", {"text": "x"})):
        field = FieldFactory(project=project, key=key, name=key.title(), kind=kind)
        CustomFieldValue.objects.create(task=task, field=field, kind=kind, **value)
    severity = FieldFactory(project=project, key="severity", name="Severity", kind="select")
    option = OptionFactory(field=severity, slug="high")
    CustomFieldValue.objects.create(task=task, field=severity, kind="select", option=option)
    FieldFactory(project=target, key="cost", kind="number")
    OptionFactory(field=FieldFactory(project=target, key="severity", kind="select"), slug="high")
    FieldFactory(project=target, key="size", name="Size", kind="text", required=True)
    CommentFactory(task=task, author=bob)
    TaskWatch.objects.create(task=task, user=alice, is_watching=True)
    LinkShareFactory(task=task, creator=alice)
    TaskFactory(project=project, parent=task, title="Below")
    task.refresh_from_db()
    return task


def everything_about(client):
    task = client.get("/api/v1/tasks/OPS-1/").json()
    return {name: task[name] for name in task.keys() - {"version", "updated_at"}}


def test_move_lists_what_is_lost_and_takes_along_the_rest(clients, furnished, project, target, alice, bob, outbox):
    client, before = clients["bob"], table_digests()

    preview = client.get(f"{PREVIEW}NEW").json()

    assert changed_since(before) == set()
    details = {note["code"]: note["detail"] for note in preview["changes"]}
    assert (preview["task_count"], preview["problems"], details) == (
        2,
        [],
        {
            "parent": "It is no longer a subtask of OPS-2.",
            "status": "The status “Review” becomes “In progress” (1 task).",
            "section": "NEW has no section “Phase 1”.",
            "labels": "NEW gets the labels “Rare”.",
            "assignees": f"Unassigned, since not in NEW: {alice.name}.",
            "checklist": f"Unassigned from checklist items, since not in NEW: {alice.name}.",
            "fields": "The value of “Note” is removed: NEW has no such field or option.",
            "readers": "1 person of OPS will no longer see it, nor be reminded of it or watch it.",
            "links": "1 link stops working: its creator is no editor of NEW.",
            "required_fields": "NEW requires “Size”; the value is missing.",
        },
    )

    original = everything_about(client)
    response = client.post(MOVE, {"project": "NEW"}, headers={"If-Match": '"1"'})

    moved = response.json()
    assert (response.status_code, moved["key"], moved["project"]["key"], moved["version"]) == (200, "NEW-1", "NEW", 2)
    assert (moved["status"], moved["parent"], moved["section"]) == ("in_progress", None, None)
    assert (moved["labels"], [one["id"] for one in moved["assignees"]]) == (["Rare", "bug"], [str(bob.pk)])
    assert client.get("/api/v1/tasks/NEW-1/fields/").json()["fields"] == {"cost": 5, "severity": "high", "size": None}
    assert client.get("/api/v1/tasks/NEW-2/").json()["parent"]["key"] == "NEW-1"
    assert not Label.objects.filter(project=target, name="Bug").exists()
    assert ChecklistItem.objects.get().assignee is None
    assert (TaskWatch.objects.exists(), LinkShare.objects.usable().exists()) == (False, False)
    # The old keys go on leading to the tasks, for those who see them.
    assert [client.get(f"/api/v1/tasks/OPS-{number}/").json()["key"] for number in (1, 3)] == ["NEW-1", "NEW-2"]
    assert client.patch("/api/v1/tasks/ops-1/", {"title": "By its old key"}).status_code == 200
    assert client.get("/api/v1/tasks/?search=OPS-3").json()["results"][0]["key"] == "NEW-2"
    assert client.get("/api/v1/tasks/?filter=parent:OPS-1").json()["results"][0]["key"] == "NEW-2"
    assert [clients["alice"].get(f"/api/v1/tasks/{key}/").status_code for key in ("OPS-1", "NEW-1")] == [404, 404]
    page = logged_in_client(bob).get("/tasks/OPS-1/?subtasks=200")
    assert (page.status_code, page["Location"]) == (302, "/tasks/NEW-1/?subtasks=200")
    event, child = outbox.only("task.moved_to_project"), outbox.only("task.moved_with_parent")
    assert (event["former_key"], event["task"]["key"], event["changes"]["project"]) == (
        "OPS-1",
        "NEW-1",
        ["OPS", "NEW"],
    )
    assert (child["former_key"], child["task"]["key"]) == ("OPS-3", "NEW-2")
    assert outbox.only("task.unassigned")["assignee_id"] == str(alice.pk)
    assert "moved the task from OPS-1 to NEW-1" in logged_in_client(bob).get("/tasks/NEW-1/").content.decode()

    client.patch("/api/v1/tasks/NEW-1/", {"title": original["title"]})
    undone = client.post("/api/v1/undo/", {"token": response["Undo-Token"]})

    assert (undone.status_code, everything_about(client)) == (200, original)
    assert client.get("/api/v1/tasks/OPS-1/fields/").json()["fields"] == {"cost": 5, "note": "x", "severity": "high"}
    assert (TaskWatch.objects.get().user, client.get("/api/v1/tasks/NEW-2/").json()["key"]) == (alice, "OPS-3")

    redone = client.post("/api/v1/undo/", {"token": undone["Undo-Token"]})
    assert (redone.status_code, client.get("/api/v1/tasks/OPS-1/").json()["key"]) == (200, "NEW-1")
    client.patch("/api/v1/tasks/NEW-1/", {"status": "done"})
    late = client.post("/api/v1/undo/", {"token": redone["Undo-Token"]})
    assert (late.status_code, late.json()["code"]) == (412, "version_conflict")


def test_refused_move_changes_nothing(clients, task, project, target, alice, bob, mallory, settings, monkeypatch):
    client = clients["bob"]
    hidden, archived = ProjectFactory(key="HID"), ProjectFactory(key="ARC", archived_at=timezone.now())
    readable = ProjectFactory(key="READ")
    for one in (archived, readable):
        MemberFactory(project=one, user=bob, role=Role.EDITOR if one == archived else Role.VIEWER)
    full = ProjectFactory(key="FULL", owner=bob, wip_policy=WipPolicy.REFUSE)
    full.states.filter(slug="todo").update(wip_limit=1)
    TaskFactory(project=full)
    section = project.sections.create(name="Phase 1")
    before = table_digests()

    refused = [
        client.post(MOVE, {"project": hidden.key}),
        client.post(MOVE, {"project": archived.key}),
        client.post(MOVE, {"project": readable.key}),
        client.post(MOVE, {"project": "OPS"}),
        client.post(MOVE, {"project": full.key}),
        client.post(MOVE, {"project": "NEW", "section": str(section.pk)}),
        client.post(MOVE, {"project": "NEW"}, headers={"If-Match": '"7"'}),
        client.post(MOVE, {}),
        clients["mallory"].post(MOVE, {"project": "NEW"}),
        clients["alice"].post(MOVE, {"project": "NEW"}),
    ]
    monkeypatch.setattr(plan, "MAX_TASKS", 0)
    refused.append(client.post(MOVE, {"project": "NEW"}))

    assert [(row.status_code, row.json()["code"]) for row in refused] == [
        (404, "not_found"),
        (409, "archived"),
        (403, "permission_denied"),
        (400, "invalid"),
        (409, "wip_limit"),
        (400, "invalid"),
        (412, "version_conflict"),
        (400, "invalid"),
        (404, "not_found"),
        (404, "not_found"),
        (409, "too_many_tasks"),
    ]
    assert "At most 500 tasks" not in refused[-1].json()["detail"]
    assert changed_since(before) == set()
    monkeypatch.undo()
    assert client.get(f"{PREVIEW}FULL").json()["problems"][0]["code"] == "wip_limit"


def test_moved_task_stays_with_its_guests_and_trash(clients, task, target, alice, bob, outbox):
    share = TaskShareFactory(task=task, user=alice)
    comment = CommentFactory(task=task, author=bob)
    clients["bob"].delete(f"/api/v1/tasks/OPS-1/comments/{comment.pk}/")

    clients["bob"].post(MOVE, {"project": "NEW"})

    share.refresh_from_db()
    assert (share.project, clients["alice"].get("/api/v1/tasks/OPS-1/").json()["key"]) == (target, "NEW-1")
    entry = clients["bob"].get("/api/v1/trash/").json()["results"][0]
    assert clients["bob"].post(f"/api/v1/trash/{entry['id']}/restore/").status_code == 200
    # Its keys go to the trash with it, and come back.
    clients["bob"].delete("/api/v1/tasks/NEW-1/")
    assert not FormerTaskKey.objects.exists()
    entry = next(one for one in clients["bob"].get("/api/v1/trash/").json()["results"] if one["kind"] == "task")
    clients["bob"].post(f"/api/v1/trash/{entry['id']}/restore/")
    assert clients["bob"].get("/api/v1/tasks/OPS-1/").json()["key"] == "NEW-1"


def test_move_page_shows_the_list_and_moves(furnished, target, bob):
    client = logged_in_client(bob)
    assert "Move to project…" in client.get("/tasks/OPS-1/").content.decode()

    listed = client.get(f"/tasks/OPS-1/move/?project={target.pk}").content.decode()
    stale = client.post("/tasks/OPS-1/move/", {"project": str(target.pk), "version": "9"})
    moved = client.post("/tasks/OPS-1/move/", {"project": str(target.pk), "version": "1"})

    assert "NEW has no section “Phase 1”." in listed
    assert (stale.status_code, stale["Location"]) == (302, f"/tasks/OPS-1/move/?project={target.pk}")
    assert (moved.status_code, moved["Location"]) == (302, "/tasks/NEW-1/")
    assert client.post("/tasks/NEW-1/move/", {"project": "nonsense"}).status_code == 422


def test_query_count_does_not_depend_on_subtasks(clients, task, project, target, bob, django_assert_max_num_queries):
    counts = []
    for subtasks in (1, 30):
        for _ in range(subtasks):
            child = TaskFactory(project=project, parent=task)
            AssigneeFactory(task=child, user=bob)
            child.labels.add(LabelFactory(project=project))
        with django_assert_max_num_queries(100) as captured:
            plan.build_plan(plan.moved_tasks(Task.objects.get(pk=task.pk)), target)
        counts.append(len(captured))

    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_concurrent_moves_leave_the_task_in_one_project(task, project, target, bob):
    other = ProjectFactory(key="OTHER", owner=bob)
    TaskFactory(project=project, parent=task)

    outcomes = run_concurrently(
        [
            lambda key=key: services.move(actor=bob, ref="OPS-1", project=key, now=timezone.now())
            for key in (target.key, other.key)
        ]
    )

    moved = [outcome for outcome in outcomes if isinstance(outcome, Task)]
    assert sorted(type(outcome).__name__ for outcome in outcomes) in (["Conflict", "Task"], ["Task", "Task"])
    assert Task.objects.get(pk=task.pk).project == moved[-1].project if len(moved) == 1 else True
    assert set(Task.objects.filter(parent=task).values_list("project", flat=True)) == {
        Task.objects.get(pk=task.pk).project_id
    }
    assert Event.objects.filter(name="task.moved_to_project").count() == len(moved)
    assert not TaskAssignee.objects.exists()
