"""Account deletion: closed at once, cancellable for fourteen days, then erased."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AccountDeletion, Session, User
from accounts.privacy import services as privacy
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.fixtures import ApiClient
from accounts.tests.images import photo
from accounts.users import administration
from accounts.users import services as users
from accounts.users.invitations import services as invitations
from core.errors import Conflict, Invalid, NotFound
from core.privacy import PersonalDataProvider, providers
from core.testing.database_state import table_digests
from events import audit
from events.appending import assign_positions
from events.models import PersonalData
from notifications.email import services as email_services
from notifications.models import Notification, OutgoingEmail
from tasks.comments import services as comments
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.members import services as members
from tasks.models import Comment, Project, ProjectMember, Role, Task
from tasks.tests.factories import MemberFactory, ProjectFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
GRACE = timedelta(days=14)


@pytest.fixture
def alice(db):
    return UserFactory(handle="zelda", name="Zelda Quux", email="zelda@quux.example")


def request_deletion(user, now=NOW) -> None:
    privacy.request_deletion(actor=user, confirmation=PASSWORD, now=now)


def token_in_mail(sink) -> str:
    for email in OutgoingEmail.objects.queued():
        email_services.send(email_id=email.pk, now=timezone.now())
    (mail,) = [
        message
        for message in sink.messages
        if message["Subject"].startswith("Your TaskFlow account is scheduled for deletion")
    ]
    (link,) = re.findall(r"https?://\S+/cancel-deletion/\S+", mail.get_body(("plain",)).get_content())
    return parse_qs(urlsplit(link).query)["token"][0]


def sign_in(user):
    return ApiClient().post("/api/v1/auth/login/", {"email": user.email, "password": PASSWORD})


def test_deletion_request_closes_the_account_at_once(alice, client_of, outbox):
    program = client_of(alice)

    request_deletion(alice)

    assert program.get("/api/v1/me/").status_code == 401
    assert not User.objects.get(pk=alice.pk).is_active
    assert not Session.objects.open(NOW).filter(user=alice).exists()
    assert sign_in(alice).status_code == 401
    assert "user.deletion_requested" in outbox.names()


@pytest.mark.parametrize("confirmation", ["", "not my password", "zelda@quux.example"])
def test_deletion_request_requires_the_password(confirmation, alice):
    before = table_digests()

    with pytest.raises(Invalid) as error:
        privacy.request_deletion(actor=alice, confirmation=confirmation, now=NOW)

    assert error.value.fields[0].field == "confirmation"
    assert table_digests() == before


def test_deletion_request_without_password_requires_the_email(alice):
    alice.set_unusable_password()
    alice.save()

    with pytest.raises(Invalid):
        privacy.request_deletion(actor=alice, confirmation="somebody@else.example", now=NOW)
    privacy.request_deletion(actor=alice, confirmation=" Zelda@Quux.example ", now=NOW)

    assert AccountDeletion.objects.get().due_at == NOW + GRACE


def test_last_administrator_cannot_request_deletion(admin):
    before = table_digests()

    with pytest.raises(Conflict) as error:
        request_deletion(admin)

    assert (error.value.code, table_digests() == before) == ("last_admin", True)


def test_cancellation_link_restores_the_account_once(alice, sink):
    request_deletion(alice)
    token = token_in_mail(sink)

    privacy.cancel_deletion(token=token, now=NOW + GRACE - timedelta(seconds=1))

    assert sign_in(alice).status_code == 200
    assert privacy.erase_due_accounts(now=NOW + GRACE) == 0
    with pytest.raises(NotFound):
        privacy.cancel_deletion(token=token, now=NOW)


@pytest.mark.parametrize("token", ["", "x", "x" * 43])
def test_cancellation_with_a_wrong_token_is_refused(token, alice):
    request_deletion(alice)
    before = table_digests()

    with pytest.raises(NotFound):
        privacy.cancel_deletion(token=token, now=NOW)

    assert table_digests() == before


def test_cancellation_link_expires_with_the_grace_period(alice, sink):
    request_deletion(alice)
    token = token_in_mail(sink)

    with pytest.raises(NotFound):
        privacy.cancel_deletion(token=token, now=NOW + GRACE)

    assert not User.objects.get(pk=alice.pk).is_active


def test_erasure_waits_for_the_grace_period(alice):
    request_deletion(alice)

    assert privacy.erase_due_accounts(now=NOW + GRACE - timedelta(seconds=1)) == 0
    assert User.objects.get(pk=alice.pk).name == "Zelda Quux"


def test_reactivated_account_is_not_erased(alice, admin):
    request_deletion(alice)

    administration.update_user(actor=admin, user_id=alice.pk, changes={"is_active": True}, now=NOW)

    assert privacy.erase_due_accounts(now=NOW + GRACE) == 0
    assert User.objects.get(pk=alice.pk).is_active


@pytest.fixture
def traces(alice, bob, admin, team, client_of, settings, outbox, sink):
    """Let Zelda leave data in every app."""
    users.set_avatar(actor=alice, data=photo())
    users.update_profile(actor=alice, changes={"name": "Zelda Quux-Smith"})
    users.update_profile(actor=alice, changes={"name": "Zelda Quux"})
    administration.update_user(actor=admin, user_id=alice.pk, changes={"role": "staff"}, now=NOW)
    alice.refresh_from_db()
    client_of(alice)
    project = ProjectFactory(key="OPS", owner=bob)
    MemberFactory(project=project, user=alice, role=Role.EDITOR)
    with outbox.delivering():
        invitations.invite(actor=alice, email="friend@example.com", now=NOW)
        own = items.create(actor=alice, draft=TaskDraft(title="Private thoughts"), now=NOW)
        task = items.create(
            actor=alice, draft=TaskDraft(title="Ours", assignees=[bob.pk, alice.pk]), now=NOW, project_ref="OPS"
        )
        comments.add(actor=alice, ref=task.key, body="Hello @bob", now=NOW)
        comments.add(actor=bob, ref=task.key, body="Hello", now=NOW)
        privacy.request_export(actor=alice, now=NOW)
    assign_positions({})
    return own, task


def test_erasure_leaves_no_name_and_no_address_anywhere(alice, traces, outbox):
    with outbox.delivering():
        request_deletion(alice)
    assert "zelda" in dump_database().lower()

    with outbox.delivering():
        assert privacy.erase_due_accounts(now=NOW + GRACE) == 1
    assign_positions({})

    left = [line for line in dump_database().splitlines() if "zelda" in line.lower() or "quux" in line.lower()]
    assert left == []


def test_erasure_keeps_shared_work_without_the_name(alice, bob, traces, outbox):
    own, task = traces
    request_deletion(alice)

    with outbox.delivering():
        privacy.erase_due_accounts(now=NOW + GRACE)

    user = User.objects.get(pk=alice.pk)
    assert (user.name, user.is_active, user.erased_at) == ("Former member", False, NOW + GRACE)
    assert Task.objects.get(pk=task.pk).creator == user
    assert [assignment.user for assignment in task.assignments.all()] == [bob]
    assert Comment.objects.filter(author=user).count() == 1
    assert not Task.objects.filter(pk=own.pk).exists()
    assert not Project.objects.filter(owner=user).exists()
    assert not ProjectMember.objects.filter(user=user).exists()
    payload = Notification.objects.filter(recipient=bob).values_list("title", "actor_name")
    assert ("Former member assigned OPS-1 to you", "Former member") in payload


def test_event_log_stays_verifiable_after_erasure(alice, traces, outbox):
    request_deletion(alice)
    with outbox.delivering():
        privacy.erase_due_accounts(now=NOW + GRACE)
    assign_positions({})

    assert audit.verify().invalid_position is None
    assert audit.verify().erased > 5
    assert not PersonalData.objects.filter(user_id=alice.pk).exists()


def test_erased_user_stays_owner_of_their_project(alice, outbox):
    project = ProjectFactory(key="SOLO", owner=alice)
    request_deletion(alice)

    privacy.erase_due_accounts(now=NOW + GRACE)

    assert Project.objects.get(pk=project.pk).owner.name == "Former member"
    assert ProjectMember.objects.get(project=project).role == Role.ADMIN


def test_erased_account_cannot_be_reactivated(alice, admin, bob):
    request_deletion(alice)
    privacy.erase_due_accounts(now=NOW + GRACE)
    project = ProjectFactory(key="OPS", owner=bob)

    with pytest.raises(Conflict) as error:
        administration.update_user(actor=admin, user_id=alice.pk, changes={"is_active": True}, now=NOW)
    with pytest.raises(Invalid):
        members.add(actor=bob, ref=project.key, role=Role.VIEWER, user_id=alice.pk)

    assert error.value.code == "erased"
    assert not User.objects.get(pk=alice.pk).is_active


def test_failing_erasure_does_not_block_others(alice, bob, settings):
    for user in (alice, bob):
        request_deletion(user)
    settings.PERSONAL_DATA_PROVIDERS = "accounts.privacy.tests.test_account_deletion.STUBBORN"

    count = privacy.erase_due_accounts(now=NOW + GRACE)

    stored = User.objects.get(pk=alice.pk)
    assert (count, stored.name, stored.erased_at) == (1, "Zelda Quux", None)
    assert AccountDeletion.objects.get().user == alice


def fail_for_zelda(user_id, now):
    if User.objects.get(pk=user_id).name == "Zelda Quux":
        raise RuntimeError("not her")


STUBBORN = (PersonalDataProvider(parts=(), erase=fail_for_zelda), *providers())


def test_email_of_an_erased_account_can_register_again(alice):
    request_deletion(alice)
    privacy.erase_due_accounts(now=NOW + GRACE)

    again = users.register(email="zelda@quux.example", name="Zelda", password=PASSWORD)

    assert again.pk != alice.pk


def dump_database() -> str:
    """Return every row of every table as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT '{table}: ' || x::text FROM \"{table}\" AS x")  # noqa: S608 -- names from the catalogue
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)
