"""Inviting and coming, through the API."""

from __future__ import annotations

import pytest

from accounts.models import Invitation, User
from accounts.tests.factories import InvitationFactory
from core.testing.database_state import table_digests
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db
URL = "/api/v1/invitations/"


def test_the_answer_is_the_same_for_known_and_unknown_addresses_and_holds_no_secret(carol, alice, client_of):
    client = client_of(carol)

    answers = [client.post(URL, {"email": email}) for email in (alice.email, "nobody@example.com")]

    bodies = [one.json() for one in answers]
    different = {"id", "email", "created_at", "expires_at"}
    assert [one.status_code for one in answers] == [201, 201]
    assert {k: v for k, v in bodies[0].items() if k not in different} == {
        k: v for k, v in bodies[1].items() if k not in different
    }
    assert not any(word in str(bodies) for word in ("token", "secret", "hash"))
    assert client.get(answers[0]["Location"]).json() == bodies[0]


def test_joining_makes_an_account_that_signs_in(carol, clients):
    InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    sent = {"token": "s3", "name": "Nina", "password": "a quiet river bends"}

    joined = clients["anonymous"].post("/api/v1/auth/register-with-invitation/", sent)
    again = clients["anonymous"].post("/api/v1/auth/register-with-invitation/", sent)
    known = {"email": "nina@example.com", "password": "a quiet river bends"}
    signed_in = clients["anonymous"].post("/api/v1/auth/login/", known)

    assert (joined.status_code, joined.json()["email"]) == (201, "nina@example.com")
    assert (again.status_code, signed_in.status_code) == (404, 200)
    assert not {"access", "refresh"} & set(joined.json())


def test_a_weak_password_is_named_and_nothing_happens(carol, clients):
    InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    before = table_digests()

    answer = clients["anonymous"].post(
        "/api/v1/auth/register-with-invitation/", {"token": "s3", "name": "N", "password": "password"}
    )

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "password")
    assert table_digests() == before


def test_accepts_with_the_account_one_has(carol, alice, client_of):
    InvitationFactory(inviter=carol, email=alice.email, secret="s3")

    answer = client_of(alice).post(f"{URL}accept/", {"token": "s3"})

    assert (answer.status_code, answer.json()["id"]) == (200, str(alice.pk))
    assert Invitation.objects.get().accepted_by == alice


def test_sees_ones_own_and_staff_sees_all(alice, bob, carol, client_of):
    for user in (alice, bob):
        InvitationFactory(inviter=user)

    counts = [len(client_of(one).get(URL).json()["results"]) for one in (alice, bob, carol)]

    assert counts == [1, 1, 2]


def test_invites_only_so_many_a_day(carol, client_of, settings):
    settings.INVITE_RATE = "1/d"
    client = client_of(carol)
    client.post(URL, {"email": "one@example.com"})

    answer = client.post(URL, {"email": "two@example.com"})

    assert answer.status_code == 429
    assert (Invitation.objects.count(), OutgoingEmail.objects.count()) == (1, 1)


def test_an_address_is_invited_only_so_many_times_an_hour_whoever_invites(carol, admin, client_of, settings):
    settings.EMAIL_LINK_RATE = "1/h"
    client_of(carol).post(URL, {"email": "One@example.com"})

    answer = client_of(admin).post(URL, {"email": "one@example.com"})

    assert answer.status_code == 429
    assert (Invitation.objects.count(), OutgoingEmail.objects.count()) == (1, 1)


def test_what_was_refused_does_not_use_up_the_invitations_to_an_address(alice, mallory, project, client_of, settings):
    settings.EMAIL_LINK_RATE = "1/h"
    into = "/api/v1/projects/OPS/invitations/"
    stranger = client_of(mallory)

    refused = [stranger.post(into, {"email": "one@example.com", "role": "viewer"}).status_code for _ in range(3)]
    answer = client_of(alice).post(into, {"email": "one@example.com", "role": "viewer"})

    assert (refused, answer.status_code) == ([404, 404, 404], 201)


def test_a_project_admin_invites_into_the_project(alice, project, client_of):
    answer = client_of(alice).post("/api/v1/projects/OPS/invitations/", {"email": "Nina@example.com", "role": "viewer"})

    assert (answer.status_code, answer.json()["target"]) == (201, project.name)
    assert Invitation.objects.get().project_invitation.role == "viewer"
    assert not User.objects.filter(email="nina@example.com").exists()
