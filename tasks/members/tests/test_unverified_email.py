"""Unverified addresses: an account is found by its address only after the owner has opened the link there."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from accounts.tests.factories import with_email_address
from core.testing.database_state import table_digests
from tasks.items.tests.test_create_task import error_fields
from tasks.models import ProjectMember, TaskShare

pytestmark = pytest.mark.django_db
MEMBERS, SHARES = "/api/v1/projects/OPS/members/", "/api/v1/tasks/OPS-1/shares/"


@pytest.mark.parametrize("path", [MEMBERS, SHARES])
@pytest.mark.parametrize("row", [False, None])
def test_unverified_email_gives_no_access(path, row, clients, task, mallory):
    if row is not None:
        with_email_address(mallory, verified=row)
    client = clients["alice"]
    before = table_digests()

    squatted = client.post(path, {"email": mallory.email, "role": "editor"})
    unknown = client.post(path, {"email": "nobody@example.com", "role": "editor"})

    assert (squatted.status_code, unknown.status_code) == (400, 400)
    assert error_fields(squatted) == error_fields(unknown)
    assert "Send an invitation by email instead" in squatted.content.decode()
    assert table_digests() == before


@pytest.mark.parametrize(("path", "model"), [(MEMBERS, ProjectMember), (SHARES, TaskShare)])
def test_user_with_verified_email_is_found(path, model, clients, task, mallory):
    with_email_address(mallory)

    response = clients["alice"].post(path, {"email": "MALLORY@example.com", "role": "editor"})

    assert response.status_code == 201
    assert model.objects.get(user=mallory).role == "editor"


@pytest.mark.parametrize(("verified", "count"), [(True, ["mallory"]), (False, [])])
def test_directory_search_uses_verified_emails_only(verified, count, clients, mallory):
    with_email_address(mallory, verified=verified)
    User.objects.filter(pk=mallory.pk).update(email="boss@company.example")
    EmailAddress.objects.filter(user=mallory).update(email="boss@company.example")

    response = clients["bob"].get("/api/v1/users/?search=boss@company.example")

    assert [one["handle"] for one in response.json()["results"]] == count
    assert [one["handle"] for one in clients["bob"].get("/api/v1/users/?search=mallory").json()["results"]] == [
        "mallory"
    ]
