from __future__ import annotations

import pytest
from django.urls import reverse

from core.testing.page_client import log_in
from notifications.models import OutgoingEmail
from notifications.tests.factories import make_email

pytestmark = pytest.mark.django_db
EMAILS = "admin:notifications_outgoingemail_changelist"


@pytest.fixture
def admin_pages(client, admin):
    log_in(client, admin)
    return client


@pytest.mark.parametrize("model", ["notification", "outgoingemail", "preference"])
def test_every_model_can_be_looked_at_and_searched(model, admin_pages, bob):
    make_email(bob)

    answer = admin_pages.get(reverse(f"admin:notifications_{model}_changelist"), {"q": "OPS-42"})

    assert answer.status_code == 200


def test_given_up_emails_are_sent_again_from_their_list(admin_pages, bob, sink, jobs_run_at_once):
    dead = make_email(bob, state="dead", attempts=8, last_error="SMTPRecipientsRefused")
    chosen = {"action": "send_again", "_selected_action": [str(dead.pk)]}

    answer = admin_pages.post(reverse(EMAILS), chosen, follow=True)

    assert "1 given-up e-mails will be sent again." in answer.content.decode()
    assert sink.only()["Message-ID"] == dead.message_id
    assert OutgoingEmail.objects.get().state == "sent"


def test_nobody_edits_or_removes_a_row_by_hand(admin_pages, bob):
    email = make_email(bob)

    for view in ("delete", "change"):
        answer = admin_pages.post(
            reverse(f"admin:notifications_outgoingemail_{view}", args=[email.pk]), {"post": "yes"}
        )
        assert answer.status_code == 403
    assert OutgoingEmail.objects.filter(pk=email.pk, to="bob@example.com").exists()


def test_a_list_of_many_costs_what_a_list_of_one_does(admin_pages, bob, django_assert_max_num_queries):
    for _ in range(20):
        make_email(bob)

    with django_assert_max_num_queries(10):
        admin_pages.get(reverse(EMAILS))
