"""Admin pages of users, sessions and teams."""

from __future__ import annotations

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from accounts.models import AccountDeletion, Session, Team, TeamMember, User
from accounts.tests.admin import user_change_url, user_form_data
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


def test_admin_creates_user_with_role_and_tier(pages, client, outbox):
    response = pages.post(reverse("admin:accounts_user_add"), NEW)

    dora = User.objects.get(email="dora@example.com")
    assert response.status_code == 302
    assert (dora.role, dora.tier, dora.check_password(NEW["password"])) == ("staff", "premium", True)
    assert outbox.names() == ["user.registered", "user.security_changed", "user.updated"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "short"}, "too short"),
        ({"email": "bob@example.com"}, "already exists"),
        ({"email": "no address"}, "valid email"),
        ({"role": "emperor"}, "Select a valid choice"),
    ],
)
def test_admin_refuses_an_invalid_user(changes, message, pages, bob, outbox):
    before = User.objects.count()

    response = pages.post(reverse("admin:accounts_user_add"), NEW | changes)

    assert response.status_code == 200
    assert message in response.content.decode()
    assert (User.objects.count(), outbox.names()) == (before, [])


def test_admin_changes_role_through_the_service(pages, admin, bob, outbox):
    response = pages.post(user_change_url(bob), user_form_data(bob, role="staff", tier="premium"))

    bob.refresh_from_db()
    payload = outbox.only("user.updated")
    assert response.status_code == 302
    assert (bob.role, bob.tier, bob.version) == ("staff", "premium", 2)
    assert payload["changes"] == {"role": ["user", "staff"], "tier": ["free", "premium"]}
    assert payload["actor"] == {"id": str(admin.pk), "name": "Admin"}


def test_admin_refuses_to_overwrite_a_concurrent_change(pages, bob, outbox):
    data = user_form_data(bob, name="Robert")
    User.objects.filter(pk=bob.pk).update(version=2, tier="premium")

    response = pages.post(user_change_url(bob), data)

    bob.refresh_from_db()
    assert "This changed since you read it" in response.content.decode()
    assert (bob.name, bob.tier, outbox.names()) == ("Bob", "premium", [])


def test_admin_refuses_a_taken_handle(pages, alice, bob):
    response = pages.post(user_change_url(bob), user_form_data(bob, handle="alice"))

    assert response.status_code == 200
    assert "This handle is already taken." in response.content.decode()
    assert User.objects.filter(pk=bob.pk, handle="bob").exists()


@pytest.mark.parametrize("handle", ["With Space", "-dash", "é"])
def test_admin_refuses_an_invalid_handle(handle, pages, bob, outbox):
    response = pages.post(user_change_url(bob), user_form_data(bob, handle=handle))

    assert response.status_code == 200
    assert User.objects.filter(pk=bob.pk, handle="bob").exists()
    assert outbox.names() == []


def test_admin_password_signs_out_and_is_not_published(pages, bob, client_of, outbox):
    program = client_of(bob)

    response = pages.post(user_change_url(bob), user_form_data(bob, password="nine quiet lanterns"))

    bob.refresh_from_db()
    assert response.status_code == 302
    assert bob.check_password("nine quiet lanterns")
    assert program.get("/api/v1/me/").status_code == 401
    assert outbox.only("user.updated")["changes"] == {"password": ["hidden", "hidden"]}


def test_admin_deactivation_signs_out_of_all_devices(pages, bob, client_of, outbox):
    program = client_of(bob)

    pages.post(reverse("admin:accounts_user_changelist"), {"action": "deactivate", "_selected_action": [bob.pk]})

    assert User.objects.filter(pk=bob.pk, is_active=False).exists()
    assert program.get("/api/v1/me/").status_code == 401
    assert Session.objects.get(user=bob).revoked_at is not None
    assert outbox.names() == ["user.updated", "session.revoked"]
    signing_in = {"email": bob.email, "password": PASSWORD}
    assert pages.post("/api/v1/auth/login/", signing_in, content_type="application/json").status_code == 401


def test_admin_activation_allows_login_again(pages, bob):
    User.objects.filter(pk=bob.pk).update(is_active=False)

    pages.post(reverse("admin:accounts_user_changelist"), {"action": "activate", "_selected_action": [bob.pk]})

    signing_in = {"email": bob.email, "password": PASSWORD}
    assert pages.post("/api/v1/auth/login/", signing_in, content_type="application/json").status_code == 200


@pytest.mark.parametrize("changes", [{"role": "user"}, {"is_active": None}])
def test_last_administrator_cannot_be_demoted(changes, pages, admin, outbox):
    response = pages.post(user_change_url(admin), user_form_data(admin, **changes))

    assert "only active administrator" in response.content.decode()
    assert User.objects.filter(pk=admin.pk, role="admin", is_active=True).exists()
    assert outbox.names() == []


def test_admin_does_not_delete_users(pages, bob):
    response = pages.post(reverse("admin:accounts_user_delete", args=[bob.pk]), {"post": "yes"})

    assert response.status_code == 403
    assert User.objects.filter(pk=bob.pk).exists()


def test_admin_revokes_selected_sessions(pages, bob, outbox):
    chosen, other = SessionFactory(user=bob), SessionFactory(user=bob)
    action = {"action": "revoke", "_selected_action": [chosen.pk]}

    pages.post(reverse("admin:accounts_session_changelist"), action)

    assert Session.objects.get(pk=chosen.pk).revoked_at is not None
    assert Session.objects.get(pk=other.pk).revoked_at is None
    assert outbox.names() == ["session.revoked"]


def test_admin_session_page_shows_no_token_id(pages, bob):
    session = SessionFactory(user=bob, refresh_jti="f" * 32)

    response = pages.get(reverse("admin:accounts_session_change", args=[session.pk]))

    assert "f" * 32 not in response.content.decode()


def test_admin_creates_renames_and_deletes_a_team(pages, admin, outbox):
    pages.post(reverse("admin:accounts_team_add"), {"name": "Night shift"})
    team = Team.objects.get()
    pages.post(reverse("admin:accounts_team_change", args=[team.pk]), {"name": "Day shift", "version": 1})

    assert Team.objects.get().name == "Day shift"
    assert TeamMember.objects.get().user == admin

    pages.post(reverse("admin:accounts_team_delete", args=[team.pk]), {"post": "yes"})

    assert not Team.objects.exists()


def test_admin_refuses_to_remove_the_last_lead(pages, team, alice, outbox):
    lead = TeamMember.objects.get(user=alice)

    response = pages.post(reverse("admin:accounts_teammember_delete", args=[lead.pk]), {"post": "yes"}, follow=True)

    assert "A team needs at least one lead." in response.content.decode()
    assert TeamMember.objects.filter(pk=lead.pk).exists()
    assert outbox.names() == []


def test_admin_changes_the_role_of_a_team_member(pages, team, bob, outbox):
    member = TeamMember.objects.get(user=bob)

    pages.post(reverse("admin:accounts_teammember_change", args=[member.pk]), {"role": "lead"})

    assert TeamMember.objects.get(user=bob).role == "lead"
    assert outbox.names() == ["team.member_added"]


def test_admin_password_removes_keys_and_unverified_identities(pages, bob):
    SocialAccount.objects.create(user=bob, provider="example", uid="intruder")
    key = create_api_key(bob).text

    pages.post(user_change_url(bob), user_form_data(bob, password="nine quiet lanterns"))

    assert api_key_client(key).get("/api/v1/me/").status_code == 401
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("page", ["password_change", "password_change_done"])
def test_admin_password_pages_redirect_to_the_common_page(page, pages, admin, client_of):
    new = "nine quiet lanterns"
    data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    program = client_of(admin)

    responses = [pages.get(reverse(f"admin:{page}")), pages.post(reverse(f"admin:{page}"), data)]

    assert [(response.status_code, response["Location"]) for response in responses] == [
        (302, reverse("account_change_password"))
    ] * 2
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
def test_deactivation_invalidates_the_cancellation_link(closed, pages, outbox):
    leaving = AccountDeletionFactory(secret="back")

    closed(pages, leaving.user)
    response = Client().post("/cancel-deletion/", {"token": "back"})

    assert response.status_code == 404
    assert not User.objects.get(pk=leaving.user_id).is_active
    assert AccountDeletion.objects.get().due_at == leaving.due_at
    assert outbox.only("user.updated")["changes"] == {"deletion_link_valid": [True, False]}


def test_other_edits_keep_the_cancellation_link(pages):
    leaving = AccountDeletionFactory(secret="back")

    pages.post(user_change_url(leaving.user), user_form_data(leaving.user, tier="premium"))

    assert Client().post("/cancel-deletion/", {"token": "back"}).status_code == 302
    user = User.objects.get(pk=leaving.user_id)
    assert (user.is_active, user.tier) == (True, "premium")
