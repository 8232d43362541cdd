from __future__ import annotations

from html import unescape

import pytest

from accounts.tests.images import photo
from core.testing.page_client import logged_in_client, visible_text
from events.models import Event
from tasks.attachments import processing
from tasks.items.activity import activity_entries
from tasks.models import Attachment, StoredFile
from tasks.tests.attachments import make_attachment, upload

URL = "/tasks/OPS-1/attachments/"
pytestmark = pytest.mark.django_db


def test_form_without_a_script_attaches_several_files(task, bob):
    browser = logged_in_client(bob)

    response = browser.post(URL, {"file": [upload(b"one", "one.txt"), upload(b"two", "two.txt")]}, follow=True)

    text = visible_text(response)
    assert ("one.txt" in text, "two.txt" in text) == (True, True)
    entries = activity_entries(list(Event.objects.order_by("pk")), names={}, states={})
    assert [change.text for entry in entries for change in entry.changes] == ["attached one.txt", "attached two.txt"]
    assert Attachment.objects.count() == 2


def test_refused_files_are_named_and_the_others_stored(task, bob):
    browser = logged_in_client(bob)

    response = browser.post(URL, {"file": [upload(b"MZ", "setup.exe"), upload(b"fine", "fine.txt")]})

    assert response.status_code == 422
    text = unescape(visible_text(response))
    assert "Files of the type .exe can't be attached." in text
    assert Attachment.objects.get().name == "fine.txt"
    assert "Choose a file first." in visible_text(browser.post(URL, {}))
    too_many = {"file": [upload(name=f"{number}.txt") for number in range(21)]}
    assert "at most 20 files" in visible_text(browser.post(URL, too_many))
    assert Attachment.objects.count() == 1


def test_form_sent_twice_attaches_once(task, bob):
    browser = logged_in_client(bob)

    for _ in range(2):
        data = {"file": upload(), "idempotency_key": "a-key-of-this-form"}
        assert browser.post(URL, data).status_code == 302

    assert Attachment.objects.count() == 1


def test_preview_shows_text_escaped_and_cut(task, bob):
    content = b"<script>alert(1)</script>\n" + b"x" * 70_000
    attachment = make_attachment(task, bob, content, name="page.html")

    response = logged_in_client(bob).get(f"{URL}{attachment.pk}/")

    html = response.content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html
    assert "This is the beginning of the file." in html


def test_preview_of_an_image_is_its_thumbnail(task, bob, alice):
    attachment = make_attachment(task, bob, photo(), name="photo.jpg", media_type="image/jpeg")
    browser, thumbnail = logged_in_client(alice), f"{URL}{attachment.pk}/thumbnail/"
    assert browser.get(thumbnail).status_code == 404
    assert "There is no preview" in visible_text(browser.get(f"{URL}{attachment.pk}/"))

    processing.process(file_id=attachment.file_id)

    assert thumbnail in browser.get(f"{URL}{attachment.pk}/").content.decode()
    assert thumbnail in browser.get("/tasks/OPS-1/").content.decode()
    response = browser.get(thumbnail)
    assert (response["Content-Type"], response["X-Content-Type-Options"]) == ("image/webp", "nosniff")
    assert b"".join(response.streaming_content)[:4] == b"RIFF"


def test_deletion_is_offered_to_whom_it_is_allowed(task, alice, bob, viewer):
    attachment = make_attachment(task, bob)
    page = f"{URL}{attachment.pk}/"

    offered = {user.handle: "Delete" in visible_text(logged_in_client(user).get(page)) for user in (alice, bob, viewer)}
    response = logged_in_client(alice).post(f"{page}delete/", follow=True)

    assert offered == {"alice": True, "bob": True, "viewer": False}
    assert "Attachment deleted." in response.content.decode()
    assert not Attachment.objects.exists()


def test_state_of_a_file_is_shown(task, bob):
    for state, text in (("quarantined", "Being checked"), ("infected", "Malware found")):
        attachment = make_attachment(task, bob, state=state)
        browser = logged_in_client(bob)

        assert text in visible_text(browser.get("/tasks/OPS-1/"))
        page = browser.get(f"{URL}{attachment.pk}/")
        assert "Download" not in visible_text(page).replace("You can download", "")
        assert browser.get(f"{URL}{attachment.pk}/content/").status_code == 409
    assert StoredFile.objects.count() == 2


def test_panel_costs_one_query(task, bob, django_assert_num_queries):
    from tasks.attachments import selectors

    for number in range(5):
        make_attachment(task, bob, name=f"{number}.txt")

    with django_assert_num_queries(1):
        newest = selectors.list_newest(bob, task)[0]
        assert (newest.name, newest.file.size, newest.uploader.name) == ("4.txt", 5, bob.name)
