"""Content negotiation of pictures and archives."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Avatar, User
from accounts.tests.factories import ExportFactory
from accounts.tests.images import photo
from core.testing.database_state import table_digests

UNKNOWN_ID = "0190f3a2-7b1c-7d3e-8f4a-5b6c7d8e9f01"
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"/api/v1/users/{UNKNOWN_ID}/avatar/", "image/webp"),
        (f"/api/v1/me/exports/{UNKNOWN_ID}/archive/", "application/zip"),
    ],
)
def test_missing_file_is_a_problem_document_for_any_accept(path, kind, clients):
    response = clients["alice"].get(path, headers={"Accept": kind})

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_export_archive_accepts_its_media_type(alice, client_of):
    export = ExportFactory(user=alice)

    response = client_of(alice).get(f"/api/v1/me/exports/{export.pk}/archive/", headers={"Accept": "application/zip"})

    assert (response.status_code, response["Content-Type"]) == (200, "application/zip")
    assert b"".join(response.streaming_content) == b"PK\x05\x06"


def test_avatar_form_takes_exactly_one_file(alice, client_of):
    client = client_of(alice)
    before = table_digests()

    responses = [
        client.post("/api/v1/me/avatar/", {"file": files}, format="multipart")
        for files in (
            [SimpleUploadedFile("a.jpg", photo()), SimpleUploadedFile("b.jpg", photo())],
            "a text that is no file",
        )
    ]

    assert [(response.status_code, response.json()["errors"][0]["field"]) for response in responses] == [
        (400, "file")
    ] * 2
    assert table_digests() == before


def test_same_picture_again_changes_nothing(alice, client_of, outbox):
    client = client_of(alice)
    versions = [
        client.post("/api/v1/me/avatar/", {"file": SimpleUploadedFile("a.jpg", photo())}, format="multipart").json()[
            "version"
        ]
        for _ in range(2)
    ]

    assert versions[0] == versions[1]
    assert outbox.names().count("user.updated") == 1
    assert User.objects.get().avatar == Avatar.objects.get().digest


def test_idempotency_key_covers_the_uploaded_bytes(alice, client_of):
    client = client_of(alice)

    def send(data, name):
        form = {"file": SimpleUploadedFile(name, data)}
        return client.post("/api/v1/me/avatar/", form, format="multipart", HTTP_IDEMPOTENCY_KEY="one")

    first, again, other = send(photo(), "a.jpg"), send(photo(), "a.jpg"), send(photo() + b"\x00", "a.jpg")

    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 422)
    assert again["Idempotency-Replayed"] == "true"
    assert Avatar.objects.count() == 1
