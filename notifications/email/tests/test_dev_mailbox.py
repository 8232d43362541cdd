from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives

from core.errors import NotFound
from notifications.email import dev_mailbox, services
from notifications.models import OutgoingEmail
from notifications.tests.factories import NOW, make_email


@pytest.fixture
def folder(settings, tmp_path) -> Path:
    settings.EMAIL_BACKEND = "notifications.email.dev_mailbox.DevMailboxBackend"
    settings.MAILBOX_DIR = str(tmp_path / "mail")
    return tmp_path / "mail"


def write(message_id: str, subject: str = "Hello", html: str = "<p>Hi</p>") -> None:
    message = EmailMultiAlternatives(subject, "Hi ☃", to=["bob@example.com"], headers={"Message-ID": message_id})
    message.attach_alternative(html, "text/html")
    message.send()


@pytest.mark.django_db
def test_email_is_stored_in_a_file_named_by_message_id(folder, bob):
    email = make_email(bob, message_id="<7.assigned.b0b@taskflow.localhost>")

    services.send(email_id=email.pk, now=NOW)

    assert [path.name for path in folder.iterdir()] == ["7.assigned.b0b@taskflow.localhost.eml"]
    assert OutgoingEmail.objects.get().state == "sent"


def test_same_message_id_is_stored_once(folder):
    write("<1@taskflow>", "First")
    write("<1@taskflow>", "Again")

    assert [message.subject for message in dev_mailbox.list_messages()] == ["Again"]


def test_messages_are_listed_newest_first(folder):
    for number in range(3):
        write(f"<{number}@taskflow>")
        os.utime(folder / f"{number}@taskflow.eml", (number, number))

    assert [message.name for message in dev_mailbox.list_messages(limit=2)] == ["2@taskflow", "1@taskflow"]


def test_message_is_read_with_text_and_html(folder):
    write("<1@taskflow>", "Größe", "<p>Grüße</p>")

    message = dev_mailbox.read_message("1@taskflow")

    assert (message.subject, message.to) == ("Größe", "bob@example.com")
    assert message.text.strip() == "Hi ☃"
    assert message.html.strip() == "<p>Grüße</p>"


def test_message_id_cannot_leave_the_folder(folder):
    write("<../../outside@taskflow>")

    assert [path.parent for path in folder.parent.rglob("*.eml")] == [folder]


def test_name_that_is_no_message_of_the_folder_is_not_found(folder, subtests):
    write("<1@taskflow>")
    (folder.parent / "secret.eml").write_text("Subject: no\n\nno")

    for name in ("../secret", "..", ".1@taskflow", "", "1@taskflow/../secret", "missing", "a\x00b", "x" * 300):
        with subtests.test(repr(name[:30])), pytest.raises(NotFound):
            dev_mailbox.read_message(name)


def test_mailbox_is_empty_before_the_first_message(folder):
    assert dev_mailbox.list_messages() == []


def test_mailbox_without_a_folder_is_empty(settings):
    settings.MAILBOX_DIR = None

    assert dev_mailbox.list_messages() == []
    with pytest.raises(NotFound):
        dev_mailbox.read_message("1@taskflow")
