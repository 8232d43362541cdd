"""Services of invitations: permissions, mails and validity."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.utils import timezone

from accounts.auth.one_time_tokens import hash_token
from accounts.models import Invitation, TeamMember, User
from accounts.tests.factories import UserFactory
from accounts.users.invitations import services as invitations
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.testing.database_state import table_digests
from notifications.email import services as email_services
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db
NOW = timezone.now()
NEW_USER = {"name": "Nina New", "password": "a quiet river bends"}


def token_in(message) -> str:
    (link,) = re.findall(r"https?://\S+/invitation/\S+", message.get_body(("plain",)).get_content())
    return parse_qs(urlsplit(link).query)["token"][0]


@pytest.fixture
def mailed(sink):
    """Deliver queued emails; return the token of the last one."""

    def send() -> str:
        for email in OutgoingEmail.objects.queued():
            email_services.send(email_id=email.pk, now=timezone.now())
        return token_in(sink.messages[-1])

    return send


def test_staff_invitation_mail_leads_to_an_account(carol, mailed, sink, outbox):
    invitations.invite(actor=carol, email="Nina@Example.com", now=NOW)

    user = invitations.register_with_invitation(token=mailed(), now=NOW, **NEW_USER)

    invitation = Invitation.objects.get()
    assert (sink.only()["To"], sink.only()["Subject"]) == ("nina@example.com", "Carol invited you to TaskFlow")
    assert (user.email, user.name, user.role) == ("nina@example.com", "Nina New", "user")
    assert (invitation.accepted_by, invitation.accepted_at) == (user, NOW)
    assert user.check_password("a quiet river bends")
    assert EmailAddress.objects.get().verified
    assert {"user.invited", "user.registered", "user.invitation_accepted"} <= set(outbox.names())


@pytest.mark.parametrize("who", ["alice", "mallory"])
def test_instance_invitation_is_for_staff(who, request, outbox):
    user = request.getfixturevalue(who)

    with pytest.raises(NotAllowed):
        invitations.invite(actor=user, email="nina@example.com", now=NOW)

    assert (Invitation.objects.count(), OutgoingEmail.objects.count(), outbox.names()) == (0, 0, [])


def test_team_invitation_adds_a_member(alice, team, mailed):
    invitations.invite(actor=alice, email="nina@example.com", team_id=team.pk, now=NOW)

    user = invitations.register_with_invitation(token=mailed(), now=NOW, **NEW_USER)

    assert TeamMember.objects.get(user=user).team == team


@pytest.mark.parametrize(("who", "error"), [("bob", NotAllowed), ("mallory", NotFound)])
def test_team_invitation_is_for_leads(who, error, request, team, outbox):
    user = request.getfixturevalue(who)

    with pytest.raises(error):
        invitations.invite(actor=user, email="nina@example.com", team_id=team.pk, now=NOW)

    assert (Invitation.objects.count(), outbox.names()) == (0, [])


def test_team_invitation_keeps_an_existing_role(alice, carol, team, mailed):
    TeamMember.objects.create(team=team, user=carol, role=TeamMember.Role.LEAD)
    invitations.invite(actor=alice, email=carol.email, team_id=team.pk, now=NOW)

    invitations.accept_invitation(actor=carol, token=mailed(), now=NOW)

    assert TeamMember.objects.get(user=carol).role == "lead"


def test_invitation_is_the_same_for_known_and_unknown_emails(carol, alice):
    known = invitations.invite(actor=carol, email=alice.email, now=NOW)
    unknown = invitations.invite(actor=carol, email="nobody@example.com", now=NOW)

    values = [
        (invitation.target, invitation.team_id, invitation.accepted_at, invitation.expires_at)
        for invitation in (known, unknown)
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize("late", [timedelta(days=7), timedelta(days=30)])
def test_invitation_expires_after_a_week(late, carol, mailed):
    invitations.invite(actor=carol, email="nina@example.com", now=NOW)
    token = mailed()

    with pytest.raises(NotFound):
        invitations.register_with_invitation(token=token, now=NOW + late, **NEW_USER)

    assert not User.objects.filter(email="nina@example.com").exists()


def test_invitation_is_accepted_once(carol, mailed):
    invitations.invite(actor=carol, email="nina@example.com", now=NOW)
    token = mailed()
    invitations.register_with_invitation(token=token, now=NOW, **NEW_USER)
    before = table_digests()

    with pytest.raises(NotFound):
        invitations.register_with_invitation(token=token, now=NOW, **NEW_USER)

    assert table_digests() == before


def test_revoked_invitation_is_not_valid(carol, mailed, outbox):
    invitation = invitations.invite(actor=carol, email="nina@example.com", now=NOW)
    token = mailed()
    invitations.revoke_invitation(actor=carol, invitation_id=invitation.pk, now=NOW)

    with pytest.raises(NotFound):
        invitations.register_with_invitation(token=token, now=NOW, **NEW_USER)

    assert not User.objects.filter(email="nina@example.com").exists()
    assert outbox.names()[-1] == "user.invitation_revoked"


def test_invitation_of_former_staff_is_not_valid(carol, mailed):
    invitations.invite(actor=carol, email="nina@example.com", now=NOW)
    token = mailed()
    User.objects.filter(pk=carol.pk).update(role="user")

    with pytest.raises(NotFound):
        invitations.register_with_invitation(token=token, now=NOW, **NEW_USER)

    assert Invitation.objects.get().accepted_at is None


def test_invitation_is_refused_for_another_user(carol, mallory, mailed, outbox):
    invitations.invite(actor=carol, email="nina@example.com", now=NOW)
    token = mailed()
    before = table_digests()

    with pytest.raises(NotAllowed) as error:
        invitations.accept_invitation(actor=mallory, token=token, now=NOW)

    assert error.value.code == "another_address"
    assert table_digests() == before


def test_existing_user_accepts_instead_of_registering(carol, alice, mailed):
    invitations.invite(actor=carol, email=alice.email, now=NOW)
    token = mailed()

    with pytest.raises(Conflict) as error:
        invitations.register_with_invitation(token=token, now=NOW, **NEW_USER)
    invitations.accept_invitation(actor=alice, token=token, now=NOW)

    assert error.value.code == "already_registered"
    assert Invitation.objects.get().accepted_by == alice


def test_weak_password_leaves_the_invitation_open(carol, mailed):
    invitations.invite(actor=carol, email="nina@example.com", now=NOW)
    token = mailed()

    with pytest.raises(Invalid):
        invitations.register_with_invitation(token=token, now=NOW, name="Nina", password="password")

    assert Invitation.objects.open(NOW).count() == 1
    assert not User.objects.filter(email="nina@example.com").exists()


@pytest.mark.parametrize(("who", "error"), [("alice", NotFound), ("dora", NotAllowed)])
def test_invitation_revocation_is_for_inviter_and_admins(who, error, request, carol, outbox):
    other = UserFactory(handle="dora", role="staff") if who == "dora" else request.getfixturevalue(who)
    invitation = invitations.invite(actor=carol, email="nina@example.com", now=NOW)
    before = table_digests()

    with pytest.raises(error):
        invitations.revoke_invitation(actor=other, invitation_id=invitation.pk, now=NOW)

    assert table_digests() == before


def test_accepted_invitation_cannot_be_revoked(carol, mailed):
    invitation = invitations.invite(actor=carol, email="nina@example.com", now=NOW)
    invitations.register_with_invitation(token=mailed(), now=NOW, **NEW_USER)

    with pytest.raises(Conflict):
        invitations.revoke_invitation(actor=carol, invitation_id=invitation.pk, now=NOW)

    assert Invitation.objects.get().revoked_at is None


def test_invitation_token_is_not_in_the_database(carol, mailed):
    invitations.invite(actor=carol, email="nina@example.com", now=NOW)
    queued = dump_database()

    token = mailed()

    assert token not in queued
    assert token not in dump_database()
    assert hash_token(token) in queued


def test_old_invitations_are_purged(carol):
    invitations.invite(actor=carol, email="nina@example.com", now=NOW)

    invitations.purge_invitations(now=NOW + timedelta(days=36))
    stored = Invitation.objects.count()
    invitations.purge_invitations(now=NOW + timedelta(days=38))

    assert (stored, Invitation.objects.count()) == (1, 0)


def dump_database() -> str:
    """Return every row of every table as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = []
        for table in tables:
            cursor.execute(f'SELECT x::text FROM "{table}" AS x')  # noqa: S608 -- names from the catalogue
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)
