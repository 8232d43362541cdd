"""Pages of profile pictures, data export and account deletion."""

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


def test_uploaded_picture_replaces_the_initials(alice):
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


def test_settings_page_refuses_a_file_that_is_no_image(alice):
    browser = logged_in_client(alice)
    before = table_digests()

    response = upload(browser, b"<svg/>")

    assert response.status_code == 422
    assert "This file is not a picture we can read" in visible_text(response)
    assert table_digests() == before


def test_picture_upload_is_rate_limited_on_the_page(alice, settings):
    settings.AVATAR_RATE = "1/h"
    browser = logged_in_client(alice)
    upload(browser, photo())
    before = table_digests()

    response = upload(browser, photo(size=(320, 200)))

    assert response.status_code == 429
    assert table_digests() == before


def test_picture_is_removed_on_the_page(alice):
    AvatarFactory(user=alice)

    logged_in_client(alice).post("/settings/avatar/remove/")

    assert (Avatar.objects.count(), User.objects.get().avatar) == (0, "")


@pytest.mark.parametrize("tail", ["0123456789abcdef/100.webp", "another/96.webp"])
def test_picture_url_of_another_size_or_version_is_not_found(tail, alice):
    AvatarFactory(user=alice)

    assert logged_in_client(alice).get(f"/avatars/{alice.pk}/{tail}").status_code == 404


def test_picture_url_requires_login(client, alice):
    AvatarFactory(user=alice)

    assert client.get(f"/avatars/{alice.pk}/0123456789abcdef/96.webp").status_code == 302


def test_export_is_requested_and_downloaded_on_the_page(alice, outbox):
    browser = reauthenticated_browser(alice)

    with outbox.delivering():
        browser.post("/settings/privacy/export/")
    page = browser.get("/settings/privacy/").content.decode()
    response = browser.get(f"/settings/privacy/{Export.objects.get().pk}/")

    assert "Download" in page
    assert b"".join(response.streaming_content)[:2] == b"PK"
    assert response["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("who", ["bob", "admin"])
def test_export_page_hides_exports_of_others(who, alice, request):
    export = ExportFactory(user=alice)
    browser = logged_in_client(request.getfixturevalue(who))

    responses = [
        browser.get(f"/settings/privacy/{export.pk}/"),
        browser.post(f"/settings/privacy/{export.pk}/delete/"),
    ]

    assert [response.status_code for response in responses] == [404, 404]
    assert Export.objects.count() == 1


def test_export_page_refuses_a_second_request(alice):
    browser = reauthenticated_browser(alice)
    browser.post("/settings/privacy/export/")

    browser.post("/settings/privacy/export/")

    assert "already being prepared" in visible_text(browser.get("/settings/privacy/"))
    assert Export.objects.count() == 1


def test_delete_account_page_closes_the_account(alice, client):
    browser = logged_in_client(alice)

    response = browser.post("/settings/delete-account/", {"confirmation": PASSWORD})

    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert "Your account is closed" in visible_text(browser.get("/login/"))
    assert browser.get("/settings/").status_code == 302
    assert AccountDeletion.objects.get().user == alice


def test_delete_account_page_refuses_a_wrong_password(alice):
    response = logged_in_client(alice).post("/settings/delete-account/", {"confirmation": "wrong"})

    assert response.status_code == 422
    assert (AccountDeletion.objects.count(), User.objects.get().is_active) == (0, True)


def test_cancel_deletion_page_needs_a_post(client):
    user = AccountDeletionFactory(secret="back").user

    page = client.get("/cancel-deletion/", {"token": "back"})
    still = User.objects.get(pk=user.pk).is_active
    response = client.post("/cancel-deletion/", {"token": "back"})

    assert "Restore account" in visible_text(page)
    assert still is False
    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert User.objects.get(pk=user.pk).is_active


def test_cancel_deletion_page_refuses_a_wrong_token(client):
    AccountDeletionFactory(secret="back")

    response = client.post("/cancel-deletion/", {"token": "forth"})

    assert (response.status_code, User.objects.active().count()) == (404, 0)
