"""Query counts of every read, by API and by page: the same for one object of each kind and for many.

A new list joins by itself, because the routes are read from the URL resolver. It fails until `grow` adds to it: what does
not grow proves nothing.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.mail import EmailMessage
from django.utils import timezone

from accounts.models import TeamMember, User
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import (
    AvatarFactory,
    BrowserSessionFactory,
    ExportFactory,
    InvitationFactory,
    ServiceAccountFactory,
    SessionFactory,
    TeamFactory,
    TeamMemberFactory,
    UserFactory,
)
from accounts.tests.fixtures import reauthenticated_browser
from core.testing.cache import reset_redis
from core.testing.queries import QueryLog
from events.models import Event
from notifications.email.dev_mailbox import DevMailboxBackend
from notifications.tests.factories import make_event, make_notification
from tasks.models import CommentVersion, CustomField, ProjectFavourite, Role, Task
from tasks.tests.attachments import make_attachment
from tasks.tests.factories import (
    AssigneeFactory,
    ChecklistItemFactory,
    CommentFactory,
    FieldFactory,
    FieldValueFactory,
    FilterSubscriptionFactory,
    ImportJobFactory,
    LabelFactory,
    LinkShareFactory,
    MemberFactory,
    OptionFactory,
    ProjectFactory,
    ProjectTeamFactory,
    ReactionFactory,
    ReminderFactory,
    SavedFilterFactory,
    TaskFactory,
    TaskRelationFactory,
    TaskShareFactory,
    TaskWatchFactory,
    TimeEntryFactory,
    make_trash_entry,
)
from tests.api_operations import Operation, openapi_document, operations, schema_operation
from tests.passkeys import add_passkey
from tests.permissions.page_matrix import PAGES
from tests.permissions.page_scenarios import COMMON_VALUES, build_path, create_page_only_data

MORE = 6
# Reads of the state of the server, which is asked for now and then, and of what is shown once.
UNSTEADY = {
    "health", "operations/", "GET operations/", "GET health", "GET readyz", "GET metrics", "GET livez",
    "GET settings/security/recovery-codes/",
}  # fmt: skip
# Pages whose main part lists nothing.
NO_LISTS = {
    "GET avatars/{user_id}/{digest}/{size}.webp",
    "GET cancel-deletion/",
    "GET import/{import_id}/",
    "GET invitation/",
    "GET manifest.webmanifest",
    "GET offline/",
    "GET sw.js",
    "GET mail/{name}/",
    "GET mail/{name}/html/",
    "GET password/reset/",
    "GET password/reset/new/",
    "GET password/reset/sent/",
    "GET people/{user_id}/",
    "GET projects/{key}/delete/",
    "GET reauthenticate/",
    "GET reauthenticate/code/",
    "GET audit/events.csv",
    "GET operations/",
    "GET operations/runbooks/{runbook_name}/",
    "GET reports/",
    "GET reports/{report_name}/export.{file_type}",
    "GET settings/",
    "GET settings/calendar/",
    "GET settings/delete-account/",
    "GET settings/notifications/",
    "GET settings/home/",
    "GET settings/privacy/{export_id}/",
    "GET settings/security/app/",
    "GET settings/security/app/remove/",
    "GET settings/security/email/",
    "GET settings/security/passkeys/{pk}/edit/",
    "GET settings/security/passkeys/{pk}/remove/",
    "GET settings/security/password/",
    "GET settings/security/recovery-codes/new/",
    "GET tasks/bulk/{job_id}/",
    "GET filters/suggestions/",
    "GET tasks/quick-add/",
    "GET tasks/suggestions/",
    "GET tasks/{key}/attachments/{attachment_id}/",
    "GET tasks/{key}/attachments/{attachment_id}/content/",
    "GET tasks/{key}/attachments/{attachment_id}/thumbnail/",
    "GET tasks/{key}/cell/{field}/",
    "GET tasks/{key}/delete/",
    "GET tasks/{key}/menu/",
    "GET trash/{entry_id}/delete/",
    "GET verify-email/",
    "GET verify-email/sent/",
}
numbers = count(1)
pytestmark = pytest.mark.django_db


def grow(sample_values: dict[str, str], owner: User) -> None:
    """Add one to everything that a list may show, by a user of its own."""
    number = next(numbers)
    task = Task.objects.get(pk=sample_values["task_id"])
    project, now = task.project, timezone.now()
    user = AvatarFactory(user=UserFactory(handle=f"member{number}")).user
    MemberFactory(project=project, user=user)
    team = TeamMemberFactory(team=TeamFactory(), user=user).team
    TeamMemberFactory(team=team, user=owner, role=TeamMember.Role.LEAD)
    TeamMemberFactory(team_id=sample_values["team:teams"], user=user)
    ProjectTeamFactory(project=project, team=team, role=Role.VIEWER)
    other_project = ProjectFactory(owner=user, parent=project)
    MemberFactory(project=other_project, user=owner, role=Role.ADMIN)
    ProjectFavourite.objects.create(project=other_project, user=owner)
    project.sections.create(name=f"Phase {number + 1}")
    project.task_templates.create(name=f"Weekly {number}", content={"title": "Report"})
    state = project.states.create(name=f"State {number}", slug=f"state-{number}", category="todo", position=10 + number)
    field = FieldFactory(project=project, kind="select")
    FieldFactory()
    OptionFactory(field=CustomField.objects.get(pk=sample_values["field:fields"]), slug=f"option-{number}")
    for parent in (None, task):
        other = TaskFactory(project=project, parent=parent, creator=user, state=state, due_date=now.date())
        AssigneeFactory(task=other, user=user)
        AssigneeFactory(task=other, user=owner)
        other.labels.add(LabelFactory(project=project))
        FieldValueFactory(task=other, field=field, option=OptionFactory(field=field, slug=f"option-{number}-{parent}"))
        TaskRelationFactory(source=task, target=other)
        TaskRelationFactory(source=other, target=task, kind="follows")
    AssigneeFactory(task=task, user=user)
    task.labels.add(LabelFactory(project=project))
    FieldValueFactory(task=task, field=field, option=OptionFactory(field=field, slug="chosen"))
    comment = CommentFactory(task=task, author=user, body=f"See {task.key}, @{user.handle}, and {other.key}.")
    for version in (1, 2):
        CommentVersion.objects.create(comment=comment, version=version, body=f"Draft {version}", created_at=now)
    own_comment = sample_values["comment_id"]
    CommentVersion.objects.create(comment_id=own_comment, version=number, body=f"Draft {number}", created_at=now)
    ChecklistItemFactory(task=task, assignee=user)
    make_attachment(task, user, name=f"notes-{number}.txt")
    for target in ({}, {"comment_id": own_comment}):
        ReactionFactory(task=task, user=user, emoji=chr(0x1F600 + number), **target)
    TimeEntryFactory(task=task, user=user)
    TimeEntryFactory(task=other, user=user, minutes=None, ended_at=None)
    ReminderFactory(task=task, user=owner, days_before=1 + number)
    TaskShareFactory(task=task, user=UserFactory(handle=f"guest{number}"), shared_by=user)
    TaskWatchFactory(task=task, user=user)
    LinkShareFactory(task=task, creator=user)
    make_trash_entry(project, name=f"label-{number}")
    ImportJobFactory(project=project, user=owner)
    SavedFilterFactory(owner=owner, project=project)
    FilterSubscriptionFactory(user=owner, saved_filter=SavedFilterFactory(owner=user, everyone=True))
    make_event(
        "task.updated",
        task,
        actor=user,
        changes={"description": [f"{number}", f"{number + 1}"], "due_date": [None, "2090-05-04"]},
    )
    make_notification(owner, task_id=other.pk)
    grow_account(sample_values, owner)


def grow_account(sample_values: dict[str, str], owner: User) -> None:
    number = next(numbers)
    SessionFactory(user=owner)
    BrowserSessionFactory(user=owner)
    create_api_key(owner)
    ServiceAccountFactory(handle=f"robot-{number}")
    create_api_key(User.objects.get(pk=sample_values["account_id"]))
    ExportFactory(user=owner)
    InvitationFactory(inviter=owner)
    SocialAccount.objects.create(user=owner, provider="example", uid=f"{owner.handle}-{number}")
    add_passkey(owner)
    data = {"user": {"id": str(owner.pk), "name": owner.name}, "address": "203.0.113.9"}
    Event.objects.create(
        name="user.login_failed", subject_type="user", subject_id=owner.pk, payload=data, occurred_at=timezone.now()
    )
    for name in (COMMON_VALUES["name"], f"email-{number}"):
        message = EmailMessage("An email", "", to=[], headers={"Message-ID": f"<{name}>"})
        DevMailboxBackend().send_messages([message])


def is_list(operation: Operation) -> bool:
    """Return whether the response is a list, by its schema."""
    schema = schema_operation(operation).get("responses", {}).get("200", {}).get("content", {})
    name = schema.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    properties = openapi_document()["components"]["schemas"].get(name, {}).get("properties", {})
    return "results" in properties and operation.path != "analytics/daily/"  # a row for each day


def test_api_query_counts_are_the_same_for_many_rows(request_builder, clients, alice, queries, subtests):
    reads = [operation for operation in operations() if operation.method == "GET" and operation.path not in UNSTEADY]
    requests = {}
    for operation in reads:
        client, query = clients[request_builder.actor_for(operation)], request_builder.query(operation)
        requests[operation] = partial(client.get, f"{request_builder.url(operation)}?{query}")

    small, large = measure(requests, queries, partial(grow, request_builder.sample_values, alice))

    for operation, (log, response) in large.items():
        with subtests.test(str(operation)):
            assert log.count == small[operation][0].count, "\n".join(log.statements)
            if is_list(operation):
                assert len(response.json()["results"]) >= len(small[operation][1].json()["results"]) + MORE
    assert sum(map(is_list, reads)) > 30


def test_page_query_counts_are_the_same_for_many_rows(
    request_builder, alice, admin, settings, queries, subtests, tmp_path
):
    settings.MAILBOX_DIR = tmp_path
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"  # query counts must not depend on the cache
    browsers = {6: reauthenticated_browser(alice), 8: reauthenticated_browser(admin)}
    sample_values = request_builder.sample_values | COMMON_VALUES | create_page_only_data(alice)
    requests = {}
    for name, row in PAGES.items():
        statuses = row.split()
        column = next((column for column in browsers if statuses[column] == "200"), None)
        if column and name.startswith("GET ") and name not in UNSTEADY:
            requests[name] = partial(browsers[column].get, build_path(name, sample_values))

    small, large = measure(requests, queries, partial(grow, sample_values, alice))

    for name, (log, _) in large.items():
        with subtests.test(name):
            assert log.count == small[name][0].count, "\n".join(log.statements)
    steady = {
        name for name, (_, response) in large.items() if main_size(response) < main_size(small[name][1]) + 10 * MORE
    }
    assert sorted(steady - NO_LISTS) == []


def main_size(response: Any) -> int:
    """Return the size of a page without its frame, which lists projects."""
    content = b"".join(response) if response.streaming else response.content
    return len((content.partition(b"<main")[2] or content).partition(b"</main>")[0])


Measured = dict[Any, tuple[QueryLog, Any]]


def measure(requests, queries, grow_once) -> tuple[Measured, Measured]:
    """Send all requests with two objects of each kind, and again with MORE of them."""

    def send_all() -> Measured:
        results = {}
        for name, send in requests.items():
            reset_redis()
            with queries() as log:
                response = send()
            assert response.status_code == 200, name
            results[name] = log, response
        return results

    grow_once()
    small = send_all()
    for _ in range(MORE):
        grow_once()
    return small, send_all()
