"""The one rule for email addresses, at every entrance: a dot-atom at a public host name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.auth.oidc import services as oidc
from accounts.auth.oidc.services import Identity
from accounts.models import User
from accounts.tests.admin import user_change_url, user_form_data
from accounts.tests.fixtures import ApiClient, reauthenticated_browser, signed_in
from core.errors import NotAllowed
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from core.validators import validate_email_address
from tasks.tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db
PASSWORD = "a wider river turns"
REFUSED = [
    "a@[127.0.0.1]",
    "a@[IPv6:::1]",
    "a@[::ffff:127.0.0.1]",
    "a@\uff3b127.0.0.1\uff3d",  # full-width brackets
    "a@127.0.0.1",
    "a@10.0.0.10",
    "a@\uff11\uff10.0.0.10",
    "a@localhost",
    "a@LOCALHOST",
    "a@\uff4cocalhost",
    "a@mail.localhost",
    "a@intranet",
    "a@example.com.",
    "a@example.com\u3002",
    "a@.example.com",
    "a@exa_mple.com",
    "a.@example.com",
    ".a@example.com",
    "a..b@example.com",
    '"a b"@example.com',
    '"a"@example.com',
    '"a@b"@example.com',
    "a@b@example.com",
    "a@example.c",
    f"{'a' * 65}@example.com",
    f"a@{'b' * 64}.example",
    "a\n@example.com",
    "a@exam ple.com",
]
ACCEPTED = [
    "a@example.com",
    "A.B+c@Sub.Example.COM",
    "o'neil@example.co.uk",
    "a@m\u00fcller.example",
    "a@xn--mller-kva.example",
]


def test_email_address_rule_on_each_shape():
    for email in ACCEPTED:
        validate_email_address(email)
    for email in REFUSED:
        with pytest.raises(ValidationError):
            validate_email_address(email)


def test_refused_addresses_change_nothing_at_any_entrance(alice, admin, settings):
    settings.INVITE_RATE = settings.REGISTER_RATE = settings.ANONYMOUS_FORM_RATE = settings.EMAIL_LINK_RATE = "9999/h"
    EmailAddress.objects.create(user=admin, email=admin.email, verified=True, primary=True)
    project, api, anonymous = ProjectFactory(owner=admin), signed_in(admin), ApiClient()
    browser, sudo, public = logged_in_client(admin), reauthenticated_browser(admin), Client()
    login = {"name": "Ann", "password": PASSWORD}
    for email in [*REFUSED[:12], REFUSED[15]]:
        before = table_digests()

        endpoints = {
            "register": anonymous.post("/api/v1/auth/register/", {"email": email, **login}),
            "reset": anonymous.post("/api/v1/auth/password-reset/", {"email": email}),
            "invitation": api.post("/api/v1/invitations/", {"email": email}),
            "change": api.post("/api/v1/me/email/", {"email": email}),
            "project": api.post(f"/api/v1/projects/{project.key}/invitations/", {"email": email}),
        }
        pages = {
            "register": public.post("/register/", {"email": email, **login}),
            "reset": public.post("/password/reset/", {"email": email}),
            "invitation": browser.post("/people/invitations/", {"email": email}),
            "project": browser.post(f"/projects/{project.key}/invitations/", {"email": email, "role": "editor"}),
            "change": sudo.post("/settings/security/email/", {"email": email}),
        }
        admin_pages = [
            sudo.post("/admin/accounts/user/add/", {"email": email, **login, "role": "user", "tier": "free"}),
            sudo.post(user_change_url(alice), user_form_data(alice, email=email)),
        ]

        for name, response in endpoints.items():
            assert response.status_code == 400, (email, name)
            assert [error["field"] for error in response.json()["errors"]] == ["email"], (email, name)
        assert {name: page.status_code for name, page in pages.items()} == {**dict.fromkeys(pages, 422), "project": 400}
        assert [page.status_code for page in admin_pages] == [200, 200], email
        assert all("Enter a valid email address" in page.content.decode() for page in admin_pages)
        assert table_digests() == before, email


def test_address_of_a_provider_obeys_the_rule(db):
    for email in REFUSED:
        identity = Identity(provider="example", subject="1", email=email, email_verified=True, name="Ann")
        with pytest.raises(NotAllowed):
            oidc.login_with_identity(identity=identity)
    assert not User.objects.exists()


def test_no_entrance_has_another_rule():
    """Only `core` uses the fields of Django and REST framework, which accept address literals."""
    other = re.compile(r"(?:serializers|forms)\.EmailField\(|\bvalidate_email\b|EmailValidator")
    root = Path(settings.BASE_DIR)
    apps = ["accounts", "analytics", "events", "notifications", "tasks"]
    files = [path for app in apps for path in (root / app).rglob("*.py") if "tests" not in path.parts]
    names = [str(path.relative_to(root)) for path in files if other.search(path.read_text())]

    assert names == []
