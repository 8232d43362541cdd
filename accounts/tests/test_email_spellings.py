"""One account for a mailbox, however its address is spelled: at registration, sign-in, invitation, change and in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Invitation, User
from accounts.tests.admin import user_change_url, user_form_data
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.fixtures import ApiClient, reauthenticated_browser, signed_in
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db
STORED = "ann@m\u00fcller.example"
SPELLINGS = [
    "ANN@M\u00dcLLER.example",
    "ann@xn--mller-kva.example",
    "ann@mu\u0308ller.example",
    "ann@m\u00fcl\u00adler.example",
    "ann@m\u00fcller.\uff45xample",
    "ann@m\u00fcller\u3002example",
    '"ann"@m\u00fcller.example',
]


@pytest.fixture
def ann(db):
    return UserFactory(handle="ann", email=STORED)


def test_registration_with_another_spelling_is_refused(ann, subtests):
    for email in SPELLINGS:
        with subtests.test(email):
            before = table_digests()
            data = {"email": email, "name": "Ann", "password": "a wider river turns"}

            api = ApiClient().post("/api/v1/auth/register/", data)
            page = Client().post("/register/", data)

            assert (api.status_code, page.status_code) == (400, 422)
            assert table_digests() == before


def test_any_spelling_signs_in(ann, subtests):
    for email in SPELLINGS:
        with subtests.test(email):
            response = ApiClient().post("/api/v1/auth/login/", {"email": email, "password": PASSWORD})

            assert response.json()["user"]["id"] == str(ann.pk)


def test_registration_stores_the_normal_form(db):
    # Quotes and the ideographic full stop are refused.
    valid = [email for email in SPELLINGS if not {'"', "\u3002"} & set(email)]
    for number, email in enumerate(valid):
        data = {
            "email": email.lower().replace("ann", f"ann{number}").upper(),
            "name": "Ann",
            "password": "a wider river turns",
        }
        assert ApiClient().post("/api/v1/auth/register/", data).status_code == 201, email

    emails = User.objects.values_list("email", flat=True)
    assert sorted(emails) == [STORED.replace("ann", f"ann{number}") for number in range(len(valid))]


def test_change_and_invitation_with_another_spelling_are_refused(ann, alice, admin, subtests):
    browser, own, client = reauthenticated_browser(alice), reauthenticated_browser(ann), signed_in(admin)
    for email in SPELLINGS:
        with subtests.test(email):
            before = list(User.objects.order_by("pk").values())
            assert own.post("/settings/security/email/", {"email": email}).status_code in {422, 429}
            browser.post("/settings/security/email/", {"email": email})
            client.post("/api/v1/invitations/", {"email": email})
            assert list(User.objects.order_by("pk").values()) == before
    assert set(Invitation.objects.values_list("email", flat=True)) <= {STORED}


def test_admin_form_with_another_spelling_is_refused(ann, alice, admin, subtests):
    browser = reauthenticated_browser(admin)
    for email in SPELLINGS:
        with subtests.test(email):
            before = table_digests()

            changed = browser.post(user_change_url(alice), user_form_data(alice, email=email))
            added = browser.post(
                "/admin/accounts/user/add/",
                {"email": email, "name": "Ann", "password": "a wider river turns", "role": "user", "tier": "free"},
            )

            assert (changed.status_code, added.status_code) == (200, 200)
            assert table_digests() == before
