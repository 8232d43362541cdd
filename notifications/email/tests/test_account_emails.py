"""Mails about an account: queued once, unreadable in the database, forgotten once sent, alive while no server is."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cryptography.fernet import InvalidToken
from django.core.serializers import serialize
from django.db import IntegrityError, transaction

from accounts.auth import account_emails
from core.security.encryption import decrypt, encrypt
from core.testing.smtp import free_port
from notifications.email import services
from notifications.email.rendering import ENCRYPTION_PURPOSE
from notifications.models import OutgoingEmail
from notifications.tests.factories import NOW, make_email

SECRET = "http://127.0.0.1:8000/a-link-that-opens-an-account"
WORDS = {
    "name": "Bob",
    "device": SECRET,
    "address": "192.0.2.1",
    "occurred_at": "2026-03-02T09:00:00+00:00",
    "time_zone": "Asia/Tokyo",
    "sessions_path": "/settings/sessions/",
}

pytestmark = pytest.mark.django_db


def queue(dedup_key="1", **context):
    return services.enqueue_account_email(
        kind="new_device", to="bob@example.com", context={**WORDS, **context}, dedup_key=dedup_key, now=NOW
    )


def send(email_id, now=NOW):
    services.deliver(email_id=email_id, now=now)
    return OutgoingEmail.objects.get(pk=email_id)


def test_is_sent_and_then_forgotten(sink):
    found = send(queue())

    mail = sink.only()
    assert (found.state, found.encrypted_payload, found.notification) == ("sent", "", None)
    assert (mail["To"], mail["Auto-Submitted"], mail["Message-ID"]) == (
        "bob@example.com",
        "auto-generated",
        found.message_id,
    )
    text = mail.get_body(("plain",)).get_content()
    assert SECRET in text
    assert "Mon 2 Mar 2026, 18:00 JST" in text
    assert "http://127.0.0.1:8000/settings/sessions/" in text


def test_what_it_says_is_not_readable_in_the_database(sink):
    sink.refuse_message = "451 Busy"

    for _ in range(2):
        send(queue())

    rows = serialize("json", OutgoingEmail.objects.all())
    assert "new_device" in rows
    assert SECRET not in rows
    assert "192.0.2.1" not in rows


def test_waits_for_a_server_that_is_away(sink, settings):
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port()
    waiting = send(queue())
    settings.EMAIL_PORT = port

    found = send(waiting.pk, now=waiting.next_attempt_at)

    assert (waiting.state, found.state) == ("queued", "sent")
    assert SECRET in sink.only().get_body(("plain",)).get_content()


def test_the_same_is_queued_once(sink):
    assert queue("1") == queue("1") != queue("2")
    assert OutgoingEmail.objects.count() == 2


def test_no_other_kind_is_queued():
    with pytest.raises(ValueError, match="gift"):
        services.enqueue_account_email(kind="gift", to="bob@example.com", context={}, dedup_key="1", now=NOW)
    assert not OutgoingEmail.objects.exists()


def test_goes_with_the_transaction_it_was_queued_in(sink, jobs_run_at_once, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                account_emails.enqueue(kind="new_device", to="bob@example.com", context=WORDS, dedup_key="1")
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
    assert (sink.messages, OutgoingEmail.objects.count()) == ([], 0)

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        account_emails.enqueue(kind="new_device", to="bob@example.com", context=WORDS, dedup_key="1")
    assert sink.only()["To"] == "bob@example.com"


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "a\r\nBcc: everybody@example.com", "{{ 7|add:7 }}"])
def test_nothing_that_people_write_becomes_more_than_words(hostile, sink):
    send(queue(device=hostile, name=hostile))

    mail = sink.only()
    assert mail["Bcc"] is None
    assert "<script>" not in mail.get_body(("html",)).get_content()
    assert "14" not in mail["Subject"]


def test_one_that_was_sealed_with_a_lost_key_is_given_up_and_not_sent(sink, settings):
    email_id = queue()
    settings.SECRET_KEY = "another-secret-" + "x" * 40

    raised = []
    for turn in range(20):
        try:
            send(email_id, now=NOW + timedelta(hours=5 * turn))
        except InvalidToken as error:  # its worker logs it
            raised.append(str(error))

    assert raised
    assert SECRET not in "".join(raised)
    assert sink.messages == []
    assert OutgoingEmail.objects.get().state == "dead"


def test_old_ones_are_removed_and_waiting_ones_stay(bob):
    make_email(bob, state="dead", next_attempt_at=NOW - timedelta(days=99))
    dead, waiting = queue("1"), queue("2")
    OutgoingEmail.objects.filter(pk=dead).update(state="dead")

    assert services.purge_account_emails(now=NOW + timedelta(days=29)) == 0
    assert services.purge_account_emails(now=NOW + timedelta(days=31)) == 1
    assert OutgoingEmail.objects.filter(pk=waiting).exists()
    assert OutgoingEmail.objects.count() == 2


@pytest.mark.parametrize("columns", [{"kind": ""}, {"kind": "new_device", "notification": True}])
def test_a_mail_is_of_a_notification_or_about_an_account(columns, bob):
    told = make_email(bob)
    if columns.pop("notification", None):
        columns["notification"] = told.notification
        OutgoingEmail.objects.filter(pk=told.pk).delete()

    with pytest.raises(IntegrityError, match="email_has_notification_or_account_kind"), transaction.atomic():
        OutgoingEmail.objects.create(to="x@example.com", message_id="<1@x>", next_attempt_at=NOW, **columns)


def test_the_words_are_sealed_for_this_purpose_alone():
    encrypted_payload = encrypt(json.dumps(WORDS), purpose=ENCRYPTION_PURPOSE)

    with pytest.raises(InvalidToken):
        decrypt(encrypted_payload, purpose="something else")
