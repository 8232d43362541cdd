"""Deadlocks: one transaction is rolled back as a whole, its client gets a 503, and a retry succeeds."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.test import Client

from core.testing.concurrency import has_lock_waiters, run_concurrently, wait_until
from core.testing.page_client import log_in
from tasks.models import Project, ProjectMember
from tasks.projects import services as projects

pytestmark = pytest.mark.django_db(transaction=True)


def deadlocked_response(request, project, member):
    """Return the response of a request that locks the project, then the member.

    Another transaction has locked them in the opposite order and waits longer for a deadlock, so the request is the victim.
    """
    member_locked = threading.Event()

    def other():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '100s'")
            ProjectMember.objects.select_for_update().get(pk=member.pk)
            member_locked.set()
            wait_until(has_lock_waiters)
            Project.objects.select_for_update(no_key=True).get(pk=project.pk)

    def send():
        member_locked.wait(20)
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '3s'")
        return request()

    other_outcome, response = run_concurrently([other, send])
    assert other_outcome is None
    return response


@pytest.fixture
def membership(project, bob):
    return ProjectMember.objects.get(project=project, user=bob)


def test_deadlock_in_the_api_is_a_503_that_can_be_retried(clients, project, membership, outbox):
    path = f"/api/v1/projects/OPS/members/{membership.user_id}/"

    response = deadlocked_response(lambda: clients["alice"].delete(path), project, membership)

    assert (response.status_code, response["Retry-After"], response.json()["code"]) == (503, "1", "transient_conflict")
    assert response["Content-Type"] == "application/problem+json"
    assert (ProjectMember.objects.filter(pk=membership.pk).exists(), outbox.names()) == (True, [])
    assert clients["alice"].delete(path).status_code == 204


def test_deadlock_on_a_page_is_a_503_that_can_be_retried(alice, project, membership, outbox):
    browser = Client()
    log_in(browser, alice)
    path = f"/projects/OPS/members/{membership.user_id}/remove/"

    response = deadlocked_response(lambda: browser.post(path), project, membership)

    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert "Nothing was saved; try again." in response.content.decode()
    assert ProjectMember.objects.filter(pk=membership.pk).exists()
    assert browser.post(path).status_code == 302


def test_inbox_creation_does_not_block_foreign_keys(mallory):
    """A task refers to its creator and must not wait for the creator's inbox."""
    created, referred = threading.Event(), threading.Event()

    def create():
        with transaction.atomic():
            projects.get_or_create_inbox(actor=mallory)
            created.set()
            assert referred.wait(20)

    def refer():
        created.wait(20)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                # The lock that a foreign key to the user takes.
                cursor.execute("SELECT 1 FROM accounts_user WHERE id = %s FOR KEY SHARE NOWAIT", [mallory.pk])
                return cursor.fetchone()
        finally:
            referred.set()

    assert run_concurrently([create, refer]) == [None, (1,)]
