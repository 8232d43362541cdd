from __future__ import annotations

import pytest
from django.urls import reverse

from core.testing.page_client import log_in
from notifications.models import OutgoingEmail
from notifications.tests.factories import make_email
from tasks.models import Project

pytestmark = pytest.mark.django_db
EMAILS = "admin:notifications_outgoingemail_changelist"


@pytest.fixture
def admin_pages(client, admin):
    log_in(client, admin)
    return client


@pytest.mark.parametrize("model", ["notification", "outgoingemail", "preference"])
def test_admin_lists_and_searches_every_model(model, admin_pages, bob):
    make_email(bob)

    response = admin_pages.get(reverse(f"admin:notifications_{model}_changelist"), {"q": "OPS-42"})

    assert response.status_code == 200


def test_failed_emails_are_sent_again_by_the_admin_action(admin_pages, bob, sink, jobs_run_at_once):
    dead = make_email(bob, state="dead", attempts=8, last_error="SMTPRecipientsRefused")
    chosen = {"action": "requeue", "_selected_action": [str(dead.pk)]}

    response = admin_pages.post(reverse(EMAILS), chosen, follow=True)

    assert "1 failed emails will be sent again." in response.content.decode()
    assert sink.only()["Message-ID"] == dead.message_id
    assert OutgoingEmail.objects.get().state == "sent"


def test_email_cannot_be_changed_or_deleted_in_the_admin(admin_pages, bob):
    email = make_email(bob)

    for view in ("delete", "change"):
        response = admin_pages.post(
            reverse(f"admin:notifications_outgoingemail_{view}", args=[email.pk]), {"post": "yes"}
        )
        assert response.status_code == 403
    assert OutgoingEmail.objects.filter(pk=email.pk, to="bob@example.com").exists()


def test_email_list_queries_do_not_grow_with_rows(admin_pages, bob, django_assert_max_num_queries):
    for _ in range(20):
        make_email(bob)

    with django_assert_max_num_queries(10):
        admin_pages.get(reverse(EMAILS))


def test_texts_of_personal_inboxes_are_private(admin_pages, bob, task):
    email = make_email(
        bob, notification={"body": "call the lawyer", "task_title": "divorce", "project_id": task.project_id}
    )
    url = reverse("admin:notifications_notification_change", args=[email.notification_id])

    public = admin_pages.get(url).content.decode()
    Project.objects.filter(pk=task.project_id).update(is_inbox=True)
    private = admin_pages.get(url).content.decode()

    assert "call the lawyer" in public
    assert "divorce" in public
    assert "call the lawyer" not in private
    assert "divorce" not in private
