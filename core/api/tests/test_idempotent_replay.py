"""Replayed responses, and fingerprints of requests with the same key."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Avatar, Session
from accounts.tests.factories import SessionFactory
from accounts.tests.images import photo
from core.models import IdempotencyRecord
from core.testing.database_state import table_digests
from tasks.models import Project, Task

pytestmark = pytest.mark.django_db
KEY = {"HTTP_IDEMPOTENCY_KEY": '"7f3c"'}
TASK = {"title": "Order toner", "project": "OPS"}


def test_replay_includes_the_location(clients):
    body = {"name": "Garden", "key": "GARDEN"}

    first = clients["alice"].post("/api/v1/projects/", body, **KEY)
    second = clients["alice"].post("/api/v1/projects/", body, **KEY)

    assert (first.status_code, second["Idempotency-Replayed"]) == (201, "true")
    assert second["Location"] == first["Location"]
    assert clients["alice"].get(second["Location"]).json()["key"] == "GARDEN"
    assert Project.objects.filter(key="GARDEN").count() == 1


@pytest.mark.parametrize("key", [' "7f3c"', '"7f3c" ', " 7f3c\t"])
def test_spaces_around_a_key_are_ignored(key, clients, project):
    first = clients["alice"].post("/api/v1/tasks/", TASK, **KEY)
    second = clients["alice"].post("/api/v1/tasks/", TASK, HTTP_IDEMPOTENCY_KEY=key)

    assert (second.status_code, second.json()) == (201, first.json())
    assert Task.objects.count() == 1
    assert IdempotencyRecord.objects.get().key == "7f3c"


def test_same_file_in_another_field_is_another_request(alice, client_of):
    client = client_of(alice)

    def send(field):
        form = {field: SimpleUploadedFile("a.jpg", photo())}
        return client.post("/api/v1/me/avatar/", form, format="multipart", **KEY)

    first = send("file")
    before = table_digests()
    other = send("picture")

    assert (first.status_code, other.status_code) == (200, 422)
    assert other.json()["code"] == "idempotency_key_reused"
    assert table_digests() == before
    assert Avatar.objects.count() == 1


def test_replay_of_an_empty_response_is_empty(alice, client_of):
    client = client_of(alice)
    client.post("/api/v1/auth/logout-others/", **KEY)
    later = SessionFactory(user=alice)

    again = client.post("/api/v1/auth/logout-others/", **KEY)

    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (204, b"", "true")
    assert bytes(IdempotencyRecord.objects.get().body) == b""
    assert Session.objects.get(pk=later.pk).revoked_at is None
