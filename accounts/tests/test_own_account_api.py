"""API of the caller's own picture, exports and account deletion."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AccountDeletion, Avatar, Export, User
from accounts.tests.factories import PASSWORD, ExportFactory
from accounts.tests.images import photo
from accounts.users import image_processing
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db


def send_picture(client, data=None, name="file"):
    return client.post("/api/v1/me/avatar/", {name: SimpleUploadedFile("me.jpg", data or photo())}, format="multipart")


def test_profile_patch_changes_preferences(client_of, alice):
    changes = {"week_start": "sunday", "density": "compact", "shortcuts": False, "language": "en-gb"}

    response = client_of(alice).patch("/api/v1/me/", changes)

    assert response.status_code == 200
    assert {name: response.json()[name] for name in changes} == changes


@pytest.mark.parametrize(
    "changes",
    [{"week_start": "friday"}, {"density": "tiny"}, {"shortcuts": "no"}, {"language": "tlh"}, {"avatar": "x"}],
)
def test_profile_patch_refuses_unknown_values(changes, client_of, alice, outbox):
    response = client_of(alice).patch("/api/v1/me/", changes)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, next(iter(changes)))
    assert "user.updated" not in outbox.names()


def test_avatar_is_visible_to_every_signed_in_user(client_of, alice, bob):
    before = client_of(alice).get("/api/v1/me/").json()

    me = send_picture(client_of(alice)).json()
    response = client_of(bob).get(me["avatar_url"], {"size": 48})

    assert (before["avatar_url"], me["version"]) == (None, before["version"] + 1)
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
    assert response.content == bytes(Avatar.objects.get().small)
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert (response["X-Content-Type-Options"], response["Content-Disposition"]) == (
        "nosniff",
        'inline; filename="picture.webp"',
    )


def test_avatar_with_a_known_etag_is_not_modified(client_of, alice):
    client = client_of(alice)
    url = send_picture(client).json()["avatar_url"]

    again = client.get(url, headers={"If-None-Match": client.get(url)["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_avatar_requires_authentication(client_of, alice, clients):
    url = send_picture(client_of(alice)).json()["avatar_url"]

    assert clients["anonymous"].get(url).status_code == 401


def test_removed_avatar_is_not_found(client_of, alice):
    client = client_of(alice)
    url = send_picture(client).json()["avatar_url"]

    removed = client.delete("/api/v1/me/avatar/")

    assert (removed.status_code, client.get(url).status_code, Avatar.objects.count()) == (204, 404, 0)
    assert client.get("/api/v1/me/").json()["avatar_url"] is None


@pytest.mark.parametrize(
    ("data", "name", "field"),
    [(b"<svg/>", "file", "file"), (photo(), "avatar", "avatar")],
    ids=["no picture", "another name"],
)
def test_invalid_avatar_upload_changes_nothing(data, name, field, client_of, alice):
    client = client_of(alice)
    before = table_digests()

    response = send_picture(client, data, name)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)
    assert table_digests() == before


def test_avatar_upload_is_rate_limited(client_of, alice, settings):
    settings.AVATAR_RATE = "1/h"
    client = client_of(alice)
    send_picture(client)
    before = table_digests()

    response = send_picture(client, photo(size=(320, 200)))

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert table_digests() == before


def test_avatar_upload_waits_for_one_at_a_time(client_of, alice, monkeypatch):
    monkeypatch.setattr(image_processing, "LOCK_TIMEOUT", 0.01)
    client = client_of(alice)
    before = table_digests()

    with image_processing.render_lock:
        response = send_picture(client)

    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert table_digests() == before
    assert send_picture(client).status_code == 200


def test_export_archive_is_downloaded_by_its_user(client_of, alice, outbox):
    client = client_of(alice)
    with outbox.delivering():
        requested = client.post("/api/v1/me/exports/")
    page = client.get(requested["Location"]).json()

    response = client.get(f"{requested['Location']}archive/")

    data = b"".join(response.streaming_content)
    assert (requested.status_code, page["state"], page["size"]) == (201, "ready", len(data))
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert (response["Content-Type"], response["Content-Length"]) == ("application/zip", str(len(data)))
    assert response["Content-Disposition"].startswith('attachment; filename="taskflow-')
    assert response["Cache-Control"] == "private, no-store"


def test_export_archive_that_is_not_ready_is_a_conflict(client_of, alice):
    client = client_of(alice)
    location = client.post("/api/v1/me/exports/")["Location"]

    response = client.get(f"{location}archive/")

    assert (response.status_code, response.json()["code"]) == (409, "not_ready")


def test_export_request_is_rate_limited(client_of, alice, settings):
    settings.EXPORT_RATE = "1/d"
    client = client_of(alice)
    client.post("/api/v1/me/exports/")
    Export.objects.all().delete()

    response = client.post("/api/v1/me/exports/")

    assert (response.status_code, Export.objects.count()) == (429, 0)
    assert int(response["Retry-After"]) > 0


@pytest.mark.parametrize("who", ["bob", "carol", "admin"])
def test_export_of_another_user_is_not_found(who, clients, alice):
    export = ExportFactory(user=alice)

    responses = [
        clients[who].get(f"/api/v1/me/exports/{export.pk}/"),
        clients[who].get(f"/api/v1/me/exports/{export.pk}/archive/"),
        clients[who].delete(f"/api/v1/me/exports/{export.pk}/"),
    ]

    assert [response.status_code for response in responses] == [404, 404, 404]
    assert Export.objects.count() == 1


def test_deletion_with_password_signs_out_at_once(client_of, alice):
    client = client_of(alice)

    response = client.post("/api/v1/me/deletion/", {"confirmation": PASSWORD})

    assert (response.status_code, sorted(response.json())) == (202, ["due_at", "requested_at"])
    assert client.get("/api/v1/me/").status_code == 401
    assert AccountDeletion.objects.get().user == alice


def test_deletion_with_a_wrong_password_is_refused_and_logged(client_of, alice, outbox):
    client = client_of(alice)

    response = client.post("/api/v1/me/deletion/", {"confirmation": "wrong"})

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "confirmation")
    assert outbox.names() == ["user.login_failed"]
    assert not AccountDeletion.objects.exists()
    assert User.objects.get().is_active
