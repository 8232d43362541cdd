"""API of invitations."""

from __future__ import annotations

import pytest

from accounts.models import Invitation, User
from accounts.tests.factories import InvitationFactory
from core.testing.database_state import table_digests
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db
URL = "/api/v1/invitations/"


def test_invitation_response_does_not_reveal_accounts_or_secrets(carol, alice, client_of):
    client = client_of(carol)

    responses = [client.post(URL, {"email": email}) for email in (alice.email, "nobody@example.com")]

    bodies = [response.json() for response in responses]
    different = {"id", "email", "created_at", "expires_at"}
    assert [response.status_code for response in responses] == [201, 201]
    assert {k: v for k, v in bodies[0].items() if k not in different} == {
        k: v for k, v in bodies[1].items() if k not in different
    }
    assert not any(name in str(bodies) for name in ("token", "secret", "hash"))
    assert client.get(responses[0]["Location"]).json() == bodies[0]


def test_registration_with_invitation_creates_an_account(carol, clients):
    InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    data = {"token": "s3", "name": "Nina", "password": "a quiet river bends"}

    joined = clients["anonymous"].post("/api/v1/auth/register-with-invitation/", data)
    again = clients["anonymous"].post("/api/v1/auth/register-with-invitation/", data)
    known = {"email": "nina@example.com", "password": "a quiet river bends"}
    signed_in = clients["anonymous"].post("/api/v1/auth/login/", known)

    assert (joined.status_code, joined.json()["email"]) == (201, "nina@example.com")
    assert (again.status_code, signed_in.status_code) == (404, 200)
    assert not {"access", "refresh"} & set(joined.json())


def test_registration_with_invitation_refuses_weak_password(carol, clients):
    InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    before = table_digests()

    response = clients["anonymous"].post(
        "/api/v1/auth/register-with-invitation/", {"token": "s3", "name": "N", "password": "password"}
    )

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "password")
    assert table_digests() == before


def test_invitation_is_accepted_with_an_existing_account(carol, alice, client_of):
    InvitationFactory(inviter=carol, email=alice.email, secret="s3")

    response = client_of(alice).post(f"{URL}accept/", {"token": "s3"})

    assert (response.status_code, response.json()["id"]) == (200, str(alice.pk))
    assert Invitation.objects.get().accepted_by == alice


def test_invitation_list_holds_own_and_all_for_staff(alice, bob, carol, client_of):
    for user in (alice, bob):
        InvitationFactory(inviter=user)

    counts = [len(client_of(user).get(URL).json()["results"]) for user in (alice, bob, carol)]

    assert counts == [1, 1, 2]


def test_invitations_are_rate_limited_by_inviter(carol, client_of, settings):
    settings.INVITE_RATE = "1/d"
    client = client_of(carol)
    client.post(URL, {"email": "one@example.com"})

    response = client.post(URL, {"email": "two@example.com"})

    assert response.status_code == 429
    assert (Invitation.objects.count(), OutgoingEmail.objects.count()) == (1, 1)


def test_invitations_are_rate_limited_by_recipient(carol, admin, client_of, settings):
    settings.EMAIL_LINK_RATE = "1/h"
    client_of(carol).post(URL, {"email": "One@example.com"})

    response = client_of(admin).post(URL, {"email": "one@example.com"})

    assert response.status_code == 429
    assert (Invitation.objects.count(), OutgoingEmail.objects.count()) == (1, 1)


def test_refused_invitation_does_not_use_the_recipient_limit(alice, mallory, project, client_of, settings):
    settings.EMAIL_LINK_RATE = "1/h"
    into = "/api/v1/projects/OPS/invitations/"
    outsider = client_of(mallory)

    refused = [outsider.post(into, {"email": "one@example.com", "role": "viewer"}).status_code for _ in range(3)]
    response = client_of(alice).post(into, {"email": "one@example.com", "role": "viewer"})

    assert (refused, response.status_code) == ([404, 404, 404], 201)


def test_project_admin_invites_to_the_project(alice, project, client_of):
    response = client_of(alice).post(
        "/api/v1/projects/OPS/invitations/", {"email": "Nina@example.com", "role": "viewer"}
    )

    assert (response.status_code, response.json()["target"]) == (201, project.name)
    assert Invitation.objects.get().project_invitation.role == "viewer"
    assert not User.objects.filter(email="nina@example.com").exists()
