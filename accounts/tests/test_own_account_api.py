"""One's picture, one's archive and the way out, through the API."""

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


def test_changes_how_pages_look_to_oneself(client_of, alice):
    wanted = {"week_start": "sunday", "density": "compact", "shortcuts": False, "language": "en-gb"}

    answer = client_of(alice).patch("/api/v1/me/", wanted)

    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    "wrong", [{"week_start": "friday"}, {"density": "tiny"}, {"shortcuts": "no"}, {"language": "tlh"}, {"avatar": "x"}]
)
def test_refuses_a_look_it_does_not_know(wrong, client_of, alice, outbox):
    answer = client_of(alice).patch("/api/v1/me/", wanted := wrong)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, next(iter(wanted)))
    assert "user.updated" not in outbox.names()


def test_a_picture_is_shown_to_whoever_is_signed_in(client_of, alice, bob):
    before = client_of(alice).get("/api/v1/me/").json()

    me = send_picture(client_of(alice)).json()
    answer = client_of(bob).get(me["avatar_url"], {"size": 48})

    assert (before["avatar_url"], me["version"]) == (None, before["version"] + 1)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert answer.content == bytes(Avatar.objects.get().small)
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert (answer["X-Content-Type-Options"], answer["Content-Disposition"]) == (
        "nosniff",
        'inline; filename="picture.webp"',
    )


def test_a_picture_that_is_known_is_not_sent_again(client_of, alice):
    client = client_of(alice)
    url = send_picture(client).json()["avatar_url"]

    again = client.get(url, headers={"If-None-Match": client.get(url)["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_a_picture_is_nobodys_who_is_not_signed_in(client_of, alice, clients):
    url = send_picture(client_of(alice)).json()["avatar_url"]

    assert clients["anonymous"].get(url).status_code == 401


def test_a_removed_picture_is_gone(client_of, alice):
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
def test_what_is_no_picture_changes_nothing(data, name, field, client_of, alice):
    client = client_of(alice)
    before = table_digests()

    answer = send_picture(client, data, name)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert table_digests() == before


def test_pictures_are_sent_a_few_times_an_hour(client_of, alice, settings):
    settings.AVATAR_RATE = "1/h"
    client = client_of(alice)
    send_picture(client)
    before = table_digests()

    answer = send_picture(client, photo(size=(320, 200)))

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert table_digests() == before


def test_a_process_draws_one_picture_at_a_time(client_of, alice, monkeypatch):
    monkeypatch.setattr(image_processing, "LOCK_TIMEOUT", 0.01)
    client = client_of(alice)
    before = table_digests()

    with image_processing.render_lock:
        answer = send_picture(client)

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert table_digests() == before
    assert send_picture(client).status_code == 200


def test_the_archive_comes_as_a_file_for_its_owner(client_of, alice, outbox):
    client = client_of(alice)
    with outbox.delivering():
        asked = client.post("/api/v1/me/exports/")
    shown = client.get(asked["Location"]).json()

    answer = client.get(f"{asked['Location']}archive/")

    data = b"".join(answer.streaming_content)
    assert (asked.status_code, shown["state"], shown["size"]) == (201, "ready", len(data))
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert (answer["Content-Type"], answer["Content-Length"]) == ("application/zip", str(len(data)))
    assert answer["Content-Disposition"].startswith('attachment; filename="taskflow-')
    assert answer["Cache-Control"] == "private, no-store"


def test_an_archive_that_is_not_ready_is_not_handed_out(client_of, alice):
    client = client_of(alice)
    location = client.post("/api/v1/me/exports/")["Location"]

    answer = client.get(f"{location}archive/")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


def test_archives_are_asked_for_a_few_times_a_day(client_of, alice, settings):
    settings.EXPORT_RATE = "1/d"
    client = client_of(alice)
    client.post("/api/v1/me/exports/")
    Export.objects.all().delete()

    answer = client.post("/api/v1/me/exports/")

    assert (answer.status_code, Export.objects.count()) == (429, 0)
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize("who", ["bob", "carol", "admin"])
def test_the_archive_of_another_one_does_not_exist(who, clients, alice):
    export = ExportFactory(user=alice)

    answers = [
        clients[who].get(f"/api/v1/me/exports/{export.pk}/"),
        clients[who].get(f"/api/v1/me/exports/{export.pk}/archive/"),
        clients[who].delete(f"/api/v1/me/exports/{export.pk}/"),
    ]

    assert [one.status_code for one in answers] == [404, 404, 404]
    assert Export.objects.count() == 1


def test_leaves_with_the_password_and_is_out_at_once(client_of, alice):
    client = client_of(alice)

    answer = client.post("/api/v1/me/deletion/", {"confirmation": PASSWORD})

    assert (answer.status_code, sorted(answer.json())) == (202, ["due_at", "requested_at"])
    assert client.get("/api/v1/me/").status_code == 401
    assert AccountDeletion.objects.get().user == alice


def test_does_not_leave_without_it_and_the_attempt_stands_in_the_log(client_of, alice, outbox):
    client = client_of(alice)

    answer = client.post("/api/v1/me/deletion/", {"confirmation": "wrong"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "confirmation")
    assert outbox.names() == ["user.login_failed"]
    assert not AccountDeletion.objects.exists()
    assert User.objects.get().is_active
