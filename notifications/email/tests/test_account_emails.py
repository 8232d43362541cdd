"""Account emails: queued once, encrypted in the database, cleared once sent, retried while the server is down."""

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
CONTEXT = {
    "name": "Bob",
    "device": SECRET,
    "address": "192.0.2.1",
    "occurred_at": "2026-03-02T09:00:00+00:00",
    "time_zone": "Asia/Tokyo",
    "sessions_path": "/settings/sessions/",
}

pytestmark = pytest.mark.django_db


def enqueue(dedup_key="1", **context):
    return services.enqueue_account_email(
        kind="new_device", to="bob@example.com", context={**CONTEXT, **context}, dedup_key=dedup_key, now=NOW
    )


def send(email_id, now=NOW):
    services.send(email_id=email_id, now=now)
    return OutgoingEmail.objects.get(pk=email_id)


def test_account_email_content_is_cleared_after_sending(sink):
    email = send(enqueue())

    mail = sink.only()
    assert (email.state, email.encrypted_payload, email.notification) == ("sent", "", None)
    assert (mail["To"], mail["Auto-Submitted"], mail["Message-ID"]) == (
        "bob@example.com",
        "auto-generated",
        email.message_id,
    )
    text = mail.get_body(("plain",)).get_content()
    assert SECRET in text
    assert "Mon 2 Mar 2026, 18:00 JST" in text
    assert "http://127.0.0.1:8000/settings/sessions/" in text


def test_account_email_content_is_encrypted_in_the_database(sink):
    sink.refuse_message = "451 Busy"

    for _ in range(2):
        send(enqueue())

    rows = serialize("json", OutgoingEmail.objects.all())
    assert "new_device" in rows
    assert SECRET not in rows
    assert "192.0.2.1" not in rows


def test_account_email_waits_for_a_mail_server_that_is_down(sink, settings):
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port()
    waiting = send(enqueue())
    settings.EMAIL_PORT = port

    sent = send(waiting.pk, now=waiting.next_attempt_at)

    assert (waiting.state, sent.state) == ("queued", "sent")
    assert SECRET in sink.only().get_body(("plain",)).get_content()


def test_same_dedup_key_is_queued_once(sink):
    assert enqueue("1") == enqueue("1") != enqueue("2")
    assert OutgoingEmail.objects.count() == 2


def test_unknown_kind_is_rejected():
    with pytest.raises(ValueError, match="gift"):
        services.enqueue_account_email(kind="gift", to="bob@example.com", context={}, dedup_key="1", now=NOW)
    assert not OutgoingEmail.objects.exists()


def test_account_email_is_discarded_with_its_transaction(sink, jobs_run_at_once, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                account_emails.enqueue(kind="new_device", to="bob@example.com", context=CONTEXT, dedup_key="1")
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
    assert (sink.messages, OutgoingEmail.objects.count()) == ([], 0)

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        account_emails.enqueue(kind="new_device", to="bob@example.com", context=CONTEXT, dedup_key="1")
    assert sink.only()["To"] == "bob@example.com"


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "a\r\nBcc: everybody@example.com", "{{ 7|add:7 }}"])
def test_user_input_in_account_email_is_escaped(hostile, sink):
    send(enqueue(device=hostile, name=hostile))

    mail = sink.only()
    assert mail["Bcc"] is None
    assert "<script>" not in mail.get_body(("html",)).get_content()
    assert "14" not in mail["Subject"]


def test_account_email_with_a_lost_key_fails_without_sending(sink, settings):
    email_id = enqueue()
    settings.SECRET_KEY = "another-secret-" + "x" * 40

    errors = []
    for turn in range(20):
        try:
            send(email_id, now=NOW + timedelta(hours=5 * turn))
        except InvalidToken as error:  # logged by the worker
            errors.append(str(error))

    assert errors
    assert SECRET not in "".join(errors)
    assert sink.messages == []
    assert OutgoingEmail.objects.get().state == "dead"


def test_purge_deletes_old_account_emails_but_not_queued_ones(bob):
    make_email(bob, state="dead", next_attempt_at=NOW - timedelta(days=99))
    dead, waiting = enqueue("1"), enqueue("2")
    OutgoingEmail.objects.filter(pk=dead).update(state="dead")

    assert services.purge_account_emails(now=NOW + timedelta(days=29)) == 0
    assert services.purge_account_emails(now=NOW + timedelta(days=31)) == 1
    assert OutgoingEmail.objects.filter(pk=waiting).exists()
    assert OutgoingEmail.objects.count() == 2


@pytest.mark.parametrize("columns", [{"kind": ""}, {"kind": "new_device", "notification": True}])
def test_email_needs_either_notification_or_account_kind(columns, bob):
    email = make_email(bob)
    if columns.pop("notification", None):
        columns["notification"] = email.notification
        OutgoingEmail.objects.filter(pk=email.pk).delete()

    with pytest.raises(IntegrityError, match="email_has_notification_or_account_kind"), transaction.atomic():
        OutgoingEmail.objects.create(to="x@example.com", message_id="<1@x>", next_attempt_at=NOW, **columns)


def test_payload_is_encrypted_for_this_purpose_only():
    encrypted_payload = encrypt(json.dumps(CONTEXT), purpose=ENCRYPTION_PURPOSE)

    with pytest.raises(InvalidToken):
        decrypt(encrypted_payload, purpose="something else")
