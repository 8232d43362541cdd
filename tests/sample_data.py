"""One object of every kind, for tests that walk all endpoints.

A new kind of object is created here, under the name that it has in paths and in `api_operations.REQUEST_BODIES`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone

from accounts.auth.mfa import enrollment
from accounts.auth.mfa import services as mfa
from accounts.auth.one_time_tokens import make_reset_key, make_verification_key
from accounts.auth.sessions.services import issue_tokens, open_session
from accounts.models import Team, TeamMember, User
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import (
    AccountDeletionFactory,
    AvatarFactory,
    ExportFactory,
    InvitationFactory,
    ServiceAccountFactory,
    TeamFactory,
    TeamMemberFactory,
    UserFactory,
)
from accounts.tests.mfa import recovery_codes, with_totp
from core.db import uuid7
from notifications.tests.factories import make_notification
from tasks.link_shares.tokens import make_token
from tasks.models import CalendarFeed, Project, Role, Task
from tasks.tests.attachments import PIXEL, make_attachment
from tasks.tests.factories import (
    BulkJobFactory,
    ChecklistItemFactory,
    CommentFactory,
    FieldFactory,
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
    TimeEntryFactory,
    make_trash_entry,
    make_undo_token,
)
from tests.api_operations import REQUEST_BODIES, REQUEST_QUERIES, Operation

SampleValues = dict[str, str]


class RequestBuilder:
    """Build the path, query and valid body of each operation from sample values."""

    def __init__(self, sample_values: SampleValues) -> None:
        self.sample_values = sample_values

    def url(self, operation: Operation) -> str:
        """Fill the path; the meaning of `{ref}`, `{user_id}` and the like depends on its first part."""
        family = operation.path.split("/")[0]
        sample_values = {
            **self.sample_values,
            "ref": self.sample_values.get(f"ref:{family}", ""),
            "user_id": self.sample_values.get(f"user:{family}", ""),
            "team_id": self.sample_values.get(f"team:{family}", ""),
            "field_id": self.sample_values.get(f"field:{family}", ""),
        }
        if str(operation) == "DELETE /api/v1/projects/{ref}/":
            sample_values["ref"] = self.sample_values["empty"]
        return re.sub(r"{(\w+)}", lambda match: sample_values[match[1]], operation.template)

    def actor_for(self, operation: Operation) -> str:
        """Return the handle of a user who is allowed to do this: alice, but a comment and a file are changed by their author."""
        if (
            operation.path.startswith(("audit/", "directory/", "operations/", "service-accounts/"))
            or operation.path in {"fields/", "fields/{shared_field_id}/"}
            or str(operation) == "POST /api/v1/invitations/"
        ):
            return "admin"
        return "bob" if operation.template.endswith(("{comment_id}/", "{attachment_id}/")) else "alice"

    def query(self, operation: Operation) -> str:
        return urlencode(self._fill(REQUEST_QUERIES.get(str(operation), {})))

    def body(self, operation: Operation) -> dict[str, Any]:
        return self._fill(REQUEST_BODIES.get(str(operation), {}))

    def _fill(self, template: dict[str, Any]) -> dict[str, Any]:
        return {name: self._fill_value(value) for name, value in template.items()}

    def _fill_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._fill_value(item) for item in value]
        placeholder = re.fullmatch(r"{([\w:]+)}", value) if isinstance(value, str) else None
        return self.sample_values[placeholder[1]] if placeholder else value


def create_sample_data(owner: User, key: str, *, editor: User, newcomer: User) -> SampleValues:
    """Create one object of every kind for the owner; the editor is a member of the project and wrote the comment."""
    sample_values = create_project(owner, key, editor=editor, newcomer=newcomer)
    sample_values |= _create_personal_data(owner, task_id=sample_values["other_task"])
    add_member(sample_values, editor, Role.EDITOR)
    return sample_values


def create_project(owner: User, key: str, *, editor: User, newcomer: User) -> SampleValues:
    """Create a project with one object of every kind; the editor, who wrote the comment, is no member yet."""
    project, empty = ProjectFactory(key=key, owner=owner), ProjectFactory(key=f"{key}0", owner=owner)
    task = TaskFactory(project=project, title="Fix the printer", due_date=date(2090, 5, 4))
    RecurrenceFactory(task=task)
    CalendarFeed.objects.get_or_create(user=owner, defaults={"token_digest": owner.pk.hex})
    link = LinkShareFactory(task=task, creator=owner, role="commenter")
    team, crew, others = (_create_team(owner, f"{name} of {key}") for name in ("Team", "Crew", "Others"))
    TeamMemberFactory(team=team, user=editor)
    field, shared_field = FieldFactory(project=project, kind="select", key="severity"), FieldFactory()
    project.project_fields.create(field=shared_field, key=shared_field.key, position=1)
    leaving = MemberFactory(project=project, user=UserFactory(handle=f"leaving-{key.lower()}")).user
    return {
        "project": key,
        "project_id": str(project.pk),
        "import_id": str(ImportJobFactory(project=project, user=owner).pk),
        "ref:projects": key,
        "ref:tasks": task.key,
        "user:projects": str(leaving.pk),
        "user:teams": str(editor.pk),
        "user:users": str(owner.pk),
        "user:directory": str(editor.pk),
        "empty": str(empty.pk),
        "newcomer": str(newcomer.pk),
        "user:tasks": str(TaskShareFactory(task=task, user=UserFactory(handle=f"borrower-{key.lower()}")).user_id),
        "team:teams": str(team.pk),
        "team:projects": str(ProjectTeamFactory(project=project, team=crew, role=Role.VIEWER).team_id),
        "other_team": str(others.pk),
        "label_id": str(LabelFactory(project=project, name="urgent").pk),
        "task_id": str(task.pk),
        "job_id": str(BulkJobFactory(user=owner).pk),
        "link_id": str(link.pk),
        "link_token": make_token(link.pk),
        "relation_id": str(TaskRelationFactory(source=task, target=TaskFactory(project=project)).pk),
        "item_id": str(ChecklistItemFactory(task=task, assignee=editor).pk),
        "attachment_id": str(
            make_attachment(task, editor, PIXEL, name="pixel.png", media_type="image/png", thumbnail=b"RIFF").pk
        ),
        "filter_id": str(SavedFilterFactory(owner=owner, name=f"Filter of {key}", project=project).pk),
        "emoji": "👍",
        "report_name": "throughput",
        "panel_key": "email",
        "action_key": "retry",
        "runbook_name": "email",
        "comment_id": str(CommentFactory(task=task, author=editor).pk),
        "field:projects": str(field.pk),
        "field:fields": str(field.pk),
        "time_entry_id": str(TimeEntryFactory(task=task, user=owner).pk),
        "option_id": str(OptionFactory(field=field, slug="low").pk),
        "shared_field_id": str(shared_field.pk),
        "other_shared_field": str(FieldFactory().pk),
        "reminder_id": str(ReminderFactory(task=task, user=owner).pk),
        "section_id": str(project.sections.create(name="Phase 1").pk),
        "template_id": str(project.task_templates.create(name="Weekly", content={"title": "Report"}).pk),
        "state_id": str(project.states.get(slug="cancelled").pk),
        "other_task": str(TaskFactory(project=project).pk),
        "entry_id": str(make_trash_entry(project).pk),
        "undo_token": make_undo_token(task, owner),
    }


def _create_team(lead: User, name: str) -> Team:
    return TeamMemberFactory(team=TeamFactory(name=name), user=lead, role=TeamMember.Role.LEAD).team


def _create_personal_data(owner: User, *, task_id: str) -> SampleValues:
    TimeEntryFactory(task=Task.objects.get(pk=task_id), user=owner, minutes=None, ended_at=None)
    pair = issue_tokens(open_session(user=owner, now=timezone.now()))
    return {
        "notification_id": str(make_notification(owner, task_id=task_id).pk),
        "session_id": str(owner.sessions.order_by("pk").last().pk),
        "refresh": pair.refresh,
        "key_id": str(create_api_key(owner).key.pk),
        "account_id": str(ServiceAccountFactory(handle=f"robot-{uuid7().hex}").pk),
        **_create_account_data(owner),
        **_create_mfa_challenge(f"careful-{uuid7().hex}"),
        **_create_email_keys(f"mailed-{uuid7().hex}"),
        "setup_token": enrollment.begin_totp(user=owner, now=timezone.now()).token,
    }


def _create_mfa_challenge(handle: str) -> SampleValues:
    """Create a login whose password was right and whose MFA code is pending."""
    user = with_totp(UserFactory(handle=handle))
    challenge = mfa.create_challenge(user=user, methods=["code"], now=timezone.now())
    passkey = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Key", "credential": {}})
    return {"challenge": challenge.token, "code": recovery_codes(user)[0], "passkey_id": str(passkey.pk)}


def _create_email_keys(handle: str) -> SampleValues:
    """Create the keys of emailed links: one verifies an address, one resets a password."""
    user = UserFactory(handle=handle)
    address = EmailAddress.objects.create(user=user, email=user.email, primary=True)
    return {"verification_key": make_verification_key(address), "reset_key": make_reset_key(user)}


def _create_account_data(owner: User) -> SampleValues:
    """Create an avatar, an export, a linked identity, two invitations and a pending account deletion."""
    AvatarFactory(user=owner)
    secrets = {name: f"{name}-{uuid7()}" for name in ("accept", "join", "cancel_deletion")}
    InvitationFactory(email=owner.email, secret=secrets["accept"])
    InvitationFactory(secret=secrets["join"])
    AccountDeletionFactory(secret=secrets["cancel_deletion"])
    return {
        "invitation_id": str(InvitationFactory(inviter=owner).pk),
        "export_id": str(ExportFactory(user=owner).pk),
        "identity_id": str(_create_identity(owner).pk),
        **{f"{name}_token": secret for name, secret in secrets.items()},
    }


def _create_identity(owner: User) -> SocialAccount:
    # Nine digits, like the number that names no identity: responses repeat the path, and are compared.
    identity_id = owner.pk.int % 10**8 + 10**8
    return SocialAccount.objects.create(pk=identity_id, user=owner, provider="example", uid=str(owner.pk))


def add_member(sample_values: SampleValues, user: User, role: str) -> None:
    for key in (sample_values["project_id"], sample_values["empty"]):
        MemberFactory(project=Project.objects.get(pk=key), user=user, role=role)


@pytest.fixture
def request_builder(alice, bob, mallory):
    return RequestBuilder(create_sample_data(alice, "OPS", editor=bob, newcomer=mallory))
