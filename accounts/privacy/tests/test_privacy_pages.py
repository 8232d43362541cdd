"""The pages about one's picture, one's data, and leaving."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AccountDeletion, Avatar, Export, User
from accounts.tests.factories import PASSWORD, AccountDeletionFactory, AvatarFactory, ExportFactory
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.images import photo
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text

pytestmark = pytest.mark.django_db


def upload(browser, data):
    return browser.post("/settings/avatar/", {"file": SimpleUploadedFile("me.jpg", data)})


def test_a_picture_stands_where_the_initials_were(alice):
    browser = logged_in_client(alice)

    upload(browser, photo())
    page = browser.get("/settings/").content.decode()

    digest = Avatar.objects.get().digest
    url = f"/avatars/{alice.pk}/{digest}/96.webp"
    assert f'src="{url}"' in page
    picture = browser.get(url)
    assert picture.content == bytes(Avatar.objects.get().medium)
    assert picture["Cache-Control"] == "private, max-age=31536000, immutable"
    assert picture["Content-Security-Policy"].startswith("default-src 'none'; sandbox")


def test_what_is_no_picture_is_named_on_the_page(alice):
    browser = logged_in_client(alice)
    before = table_digests()

    answer = upload(browser, b"<svg/>")

    assert answer.status_code == 422
    assert "This file is not a picture we can read" in visible_text(answer)
    assert table_digests() == before


def test_pictures_are_sent_a_few_times_an_hour_on_the_page_too(alice, settings):
    settings.AVATAR_RATE = "1/h"
    browser = logged_in_client(alice)
    upload(browser, photo())
    before = table_digests()

    answer = upload(browser, photo(size=(320, 200)))

    assert answer.status_code == 429
    assert table_digests() == before


def test_a_picture_is_removed(alice):
    AvatarFactory(user=alice)

    logged_in_client(alice).post("/settings/avatar/remove/")

    assert (Avatar.objects.count(), User.objects.get().avatar) == (0, "")


@pytest.mark.parametrize("tail", ["0123456789abcdef/100.webp", "another/96.webp"])
def test_another_size_or_version_is_not_there(tail, alice):
    AvatarFactory(user=alice)

    assert logged_in_client(alice).get(f"/avatars/{alice.pk}/{tail}").status_code == 404


def test_pictures_are_for_who_is_signed_in(client, alice):
    AvatarFactory(user=alice)

    assert client.get(f"/avatars/{alice.pk}/0123456789abcdef/96.webp").status_code == 302


def test_an_archive_is_asked_for_and_downloaded(alice, outbox):
    browser = reauthenticated_browser(alice)

    with outbox.delivering():
        browser.post("/settings/privacy/export/")
    page = browser.get("/settings/privacy/").content.decode()
    answer = browser.get(f"/settings/privacy/{Export.objects.get().pk}/")

    assert "Download" in page
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    assert answer["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("who", ["bob", "admin"])
def test_an_archive_is_its_owners_alone(who, alice, request):
    export = ExportFactory(user=alice)
    browser = logged_in_client(request.getfixturevalue(who))

    answers = [
        browser.get(f"/settings/privacy/{export.pk}/"),
        browser.post(f"/settings/privacy/{export.pk}/delete/"),
    ]

    assert [one.status_code for one in answers] == [404, 404]
    assert Export.objects.count() == 1


def test_a_second_request_says_that_one_is_under_way(alice):
    browser = reauthenticated_browser(alice)
    browser.post("/settings/privacy/export/")

    browser.post("/settings/privacy/export/")

    assert "already being prepared" in visible_text(browser.get("/settings/privacy/"))
    assert Export.objects.count() == 1


def test_leaves_and_comes_back(alice, client):
    browser = logged_in_client(alice)

    answer = browser.post("/settings/delete-account/", {"confirmation": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert "Your account is closed" in visible_text(browser.get("/login/"))
    assert browser.get("/settings/").status_code == 302
    assert AccountDeletion.objects.get().user == alice


def test_does_not_leave_with_a_wrong_password(alice):
    answer = logged_in_client(alice).post("/settings/delete-account/", {"confirmation": "wrong"})

    assert answer.status_code == 422
    assert (AccountDeletion.objects.count(), User.objects.get().is_active) == (0, True)


def test_looking_at_the_way_back_does_nothing_yet(client):
    user = AccountDeletionFactory(secret="back").user

    shown = client.get("/cancel-deletion/", {"token": "back"})
    still = User.objects.get(pk=user.pk).is_active
    answer = client.post("/cancel-deletion/", {"token": "back"})

    assert "Restore account" in visible_text(shown)
    assert still is False
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert User.objects.get(pk=user.pk).is_active


def test_a_wrong_way_back_leads_nowhere(client):
    AccountDeletionFactory(secret="back")

    answer = client.post("/cancel-deletion/", {"token": "forth"})

    assert (answer.status_code, User.objects.active().count()) == (404, 0)
