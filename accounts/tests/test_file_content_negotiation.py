"""A caller that asks for a picture or an archive by its type, and what comes instead when there is none."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Avatar, User
from accounts.tests.factories import ExportFactory
from accounts.tests.images import photo
from core.testing.database_state import table_digests

NOBODYS = "0190f3a2-7b1c-7d3e-8f4a-5b6c7d8e9f01"
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"/api/v1/users/{NOBODYS}/avatar/", "image/webp"),
        (f"/api/v1/me/exports/{NOBODYS}/archive/", "application/zip"),
    ],
)
def test_what_is_not_there_is_said_in_words_whatever_was_asked_for(path, kind, clients):
    answer = clients["alice"].get(path, headers={"Accept": kind})

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_an_archive_is_asked_for_by_its_type(alice, client_of):
    export = ExportFactory(user=alice)

    answer = client_of(alice).get(f"/api/v1/me/exports/{export.pk}/archive/", headers={"Accept": "application/zip"})

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert b"".join(answer.streaming_content) == b"PK\x05\x06"


def test_a_form_holds_one_picture(alice, client_of):
    client = client_of(alice)
    before = table_digests()

    answers = [
        client.post("/api/v1/me/avatar/", {"file": files}, format="multipart")
        for files in (
            [SimpleUploadedFile("a.jpg", photo()), SimpleUploadedFile("b.jpg", photo())],
            "a text that is no file",
        )
    ]

    assert [(one.status_code, one.json()["errors"][0]["field"]) for one in answers] == [(400, "file")] * 2
    assert table_digests() == before


def test_the_same_picture_again_changes_nothing(alice, client_of, outbox):
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


def test_a_key_of_a_form_stands_for_the_bytes_of_its_file(alice, client_of):
    client = client_of(alice)

    def send(data, name):
        form = {"file": SimpleUploadedFile(name, data)}
        return client.post("/api/v1/me/avatar/", form, format="multipart", HTTP_IDEMPOTENCY_KEY="one")

    first, again, other = send(photo(), "a.jpg"), send(photo(), "a.jpg"), send(photo() + b"\x00", "a.jpg")

    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 422)
    assert again["Idempotency-Replayed"] == "true"
    assert Avatar.objects.count() == 1
