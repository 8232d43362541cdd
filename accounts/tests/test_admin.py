from __future__ import annotations

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from accounts.models import AccountDeletion, Session, Team, TeamMember, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import PASSWORD, AccountDeletionFactory, SessionFactory
from accounts.tests.fixtures import reauthenticate, reauthenticated_browser, signed_in
from core.testing.page_client import log_in

pytestmark = pytest.mark.django_db
NEW = {
    "email": "Dora@Example.com",
    "name": "Dora",
    "password": "seven green bottles",
    "role": "staff",
    "tier": "premium",
}


@pytest.fixture
def pages(client, admin):
    log_in(client, admin)
    reauthenticate(client, admin)
    return client


def filled(user, **changes):
    names = ("name", "email", "handle", "role", "tier", "time_zone", "language", "version")
    sent = {name: getattr(user, name) for name in names}
    sent |= {"is_active": "on"} if user.is_active else {}
    return {name: value for name, value in (sent | changes).items() if value is not None}


def person_page(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def test_a_person_is_made_with_role_and_tier(pages, client, outbox):
    answer = pages.post(reverse("admin:accounts_user_add"), NEW)

    dora = User.objects.get(email="dora@example.com")
    assert answer.status_code == 302
    assert (dora.role, dora.tier, dora.check_password(NEW["password"])) == ("staff", "premium", True)
    assert outbox.names() == ["user.registered", "user.updated"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "short"}, "too short"),
        ({"email": "bob@example.com"}, "already exists"),
        ({"email": "no address"}, "valid email"),
        ({"role": "emperor"}, "Select a valid choice"),
    ],
)
def test_a_refused_person_is_not_made(changes, message, pages, bob, outbox):
    before = User.objects.count()

    answer = pages.post(reverse("admin:accounts_user_add"), NEW | changes)

    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert (User.objects.count(), outbox.names()) == (before, [])


def test_a_role_is_given_through_the_service(pages, admin, bob, outbox):
    answer = pages.post(person_page(bob), filled(bob, role="staff", tier="premium"))

    bob.refresh_from_db()
    told = outbox.only("user.updated")
    assert answer.status_code == 302
    assert (bob.role, bob.tier, bob.version) == ("staff", "premium", 2)
    assert told["changes"] == {"role": ["user", "staff"], "tier": ["free", "premium"]}
    assert told["actor"] == {"id": str(admin.pk), "name": "Admin"}


def test_what_somebody_else_changed_meanwhile_is_not_undone(pages, bob, outbox):
    sent = filled(bob, name="Robert")
    User.objects.filter(pk=bob.pk).update(version=2, tier="premium")

    answer = pages.post(person_page(bob), sent)

    bob.refresh_from_db()
    assert "This changed since you read it" in answer.content.decode()
    assert (bob.name, bob.tier, outbox.names()) == ("Bob", "premium", [])


def test_a_taken_handle_is_refused_beside_its_field(pages, alice, bob):
    answer = pages.post(person_page(bob), filled(bob, handle="alice"))

    assert answer.status_code == 200
    assert "This handle is already taken." in answer.content.decode()
    assert User.objects.filter(pk=bob.pk, handle="bob").exists()


@pytest.mark.parametrize("handle", ["With Space", "-dash", "é"])
def test_a_handle_that_could_not_be_mentioned_is_refused(handle, pages, bob, outbox):
    answer = pages.post(person_page(bob), filled(bob, handle=handle))

    assert answer.status_code == 200
    assert User.objects.filter(pk=bob.pk, handle="bob").exists()
    assert outbox.names() == []


def test_a_new_password_signs_out_and_is_never_told(pages, bob, client_of, outbox):
    program = client_of(bob)

    answer = pages.post(person_page(bob), filled(bob, password="nine quiet lanterns"))

    bob.refresh_from_db()
    assert answer.status_code == 302
    assert bob.check_password("nine quiet lanterns")
    assert program.get("/api/v1/me/").status_code == 401
    assert outbox.only("user.updated")["changes"] == {"password": ["hidden", "hidden"]}


def test_deactivating_signs_out_everywhere_and_keeps_the_rows(pages, bob, client_of, outbox):
    program = client_of(bob)

    pages.post(reverse("admin:accounts_user_changelist"), {"action": "deactivate", "_selected_action": [bob.pk]})

    assert User.objects.filter(pk=bob.pk, is_active=False).exists()
    assert program.get("/api/v1/me/").status_code == 401
    assert Session.objects.get(user=bob).revoked_at is not None
    assert outbox.names() == ["user.updated", "session.revoked"]
    signing_in = {"email": bob.email, "password": PASSWORD}
    assert pages.post("/api/v1/auth/login/", signing_in, content_type="application/json").status_code == 401


def test_activating_lets_somebody_in_again(pages, bob):
    User.objects.filter(pk=bob.pk).update(is_active=False)

    pages.post(reverse("admin:accounts_user_changelist"), {"action": "activate", "_selected_action": [bob.pk]})

    signing_in = {"email": bob.email, "password": PASSWORD}
    assert pages.post("/api/v1/auth/login/", signing_in, content_type="application/json").status_code == 200


@pytest.mark.parametrize("changes", [{"role": "user"}, {"is_active": None}])
def test_the_last_administrator_stays_one(changes, pages, admin, outbox):
    answer = pages.post(person_page(admin), filled(admin, **changes))

    assert "only active administrator" in answer.content.decode()
    assert User.objects.filter(pk=admin.pk, role="admin", is_active=True).exists()
    assert outbox.names() == []


def test_nobody_is_deleted(pages, bob):
    answer = pages.post(reverse("admin:accounts_user_delete", args=[bob.pk]), {"post": "yes"})

    assert answer.status_code == 403
    assert User.objects.filter(pk=bob.pk).exists()


def test_chosen_sessions_are_ended(pages, bob, outbox):
    chosen, other = SessionFactory(user=bob), SessionFactory(user=bob)
    action = {"action": "revoke", "_selected_action": [chosen.pk]}

    pages.post(reverse("admin:accounts_session_changelist"), action)

    assert Session.objects.get(pk=chosen.pk).revoked_at is not None
    assert Session.objects.get(pk=other.pk).revoked_at is None
    assert outbox.names() == ["session.revoked"]


def test_a_session_shows_no_token_id(pages, bob):
    session = SessionFactory(user=bob, refresh_jti="f" * 32)

    answer = pages.get(reverse("admin:accounts_session_change", args=[session.pk]))

    assert "f" * 32 not in answer.content.decode()


def test_a_team_is_made_renamed_and_deleted(pages, admin, outbox):
    pages.post(reverse("admin:accounts_team_add"), {"name": "Night shift"})
    team = Team.objects.get()
    pages.post(reverse("admin:accounts_team_change", args=[team.pk]), {"name": "Day shift", "version": 1})

    assert Team.objects.get().name == "Day shift"
    assert TeamMember.objects.get().user == admin

    pages.post(reverse("admin:accounts_team_delete", args=[team.pk]), {"post": "yes"})

    assert not Team.objects.exists()


def test_the_last_lead_of_a_team_cannot_be_taken_out(pages, team, alice, outbox):
    lead = TeamMember.objects.get(user=alice)

    answer = pages.post(reverse("admin:accounts_teammember_delete", args=[lead.pk]), {"post": "yes"}, follow=True)

    assert "A team needs at least one lead." in answer.content.decode()
    assert TeamMember.objects.filter(pk=lead.pk).exists()
    assert outbox.names() == []


def test_a_member_gets_another_role(pages, team, bob, outbox):
    member = TeamMember.objects.get(user=bob)

    pages.post(reverse("admin:accounts_teammember_change", args=[member.pk]), {"role": "lead"})

    assert TeamMember.objects.get(user=bob).role == "lead"
    assert outbox.names() == ["team.member_added"]


def test_a_new_password_ends_the_keys_and_the_identities_of_an_unverified_address(pages, bob):
    SocialAccount.objects.create(user=bob, provider="example", uid="intruder")
    key = create_api_key(bob).text

    pages.post(person_page(bob), filled(bob, password="nine quiet lanterns"))

    assert api_key_client(key).get("/api/v1/me/").status_code == 401
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("page", ["password_change", "password_change_done"])
def test_there_is_one_page_to_change_ones_password(page, pages, admin, client_of):
    new = "nine quiet lanterns"
    sent = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    program = client_of(admin)

    answers = [pages.get(reverse(f"admin:{page}")), pages.post(reverse(f"admin:{page}"), sent)]

    assert [(one.status_code, one["Location"]) for one in answers] == [(302, reverse("account_change_password"))] * 2
    assert User.objects.get(pk=admin.pk).check_password(PASSWORD)
    assert program.get("/api/v1/me/").status_code == 200


def closed_by_action(pages, user):
    pages.post(reverse("admin:accounts_user_changelist"), {"action": "deactivate", "_selected_action": [user.pk]})


def closed_by_button(pages, user):
    reauthenticated_browser(User.objects.get(handle="admin")).post(
        reverse("user-detail", args=[user.pk]), {"active": "no"}
    )


def closed_by_directory(pages, user):
    assert (
        signed_in(User.objects.get(handle="admin"))
        .patch(f"/api/v1/directory/{user.pk}/", {"is_active": False}, HTTP_IF_MATCH=f'"{user.version}"')
        .status_code
        == 200
    )


@pytest.mark.parametrize("closed", [closed_by_action, closed_by_button, closed_by_directory])
def test_who_is_leaving_and_is_deactivated_cannot_come_back(closed, pages, outbox):
    leaving = AccountDeletionFactory(secret="back")

    closed(pages, leaving.user)
    answer = Client().post("/cancel-deletion/", {"token": "back"})

    assert answer.status_code == 404
    assert not User.objects.get(pk=leaving.user_id).is_active
    assert AccountDeletion.objects.get().due_at == leaving.due_at
    assert outbox.only("user.updated")["changes"] == {"deletion_link_valid": [True, False]}


def test_another_edit_of_who_is_leaving_keeps_the_way_back(pages):
    leaving = AccountDeletionFactory(secret="back")

    pages.post(person_page(leaving.user), filled(leaving.user, tier="premium"))

    assert Client().post("/cancel-deletion/", {"token": "back"}).status_code == 302
    user = User.objects.get(pk=leaving.user_id)
    assert (user.is_active, user.tier) == (True, "premium")
