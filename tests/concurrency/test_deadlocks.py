"""Two who stand in each other's way: one is undone as a whole and told so, and the same request succeeds afterwards."""

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


def is_rolled_back(request, project, member):
    """Answer of a request that takes the project, then the member, while another transaction took them the other way
    round and will not give way."""
    held = threading.Event()

    def other():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '100s'")
            ProjectMember.objects.select_for_update().get(pk=member.pk)
            held.set()
            wait_until(has_lock_waiters)
            Project.objects.select_for_update(no_key=True).get(pk=project.pk)

    def asker():
        held.wait(20)
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '3s'")
        return request()

    blocked, answer = run_concurrently([other, asker])
    assert blocked is None
    return answer


@pytest.fixture
def membership(project, bob):
    return ProjectMember.objects.get(project=project, user=bob)


def test_a_program_is_told_to_send_it_again(clients, project, membership, outbox):
    door = f"/api/v1/projects/OPS/members/{membership.user_id}/"

    answer = is_rolled_back(lambda: clients["alice"].delete(door), project, membership)

    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "1", "transient_conflict")
    assert answer["Content-Type"] == "application/problem+json"
    assert (ProjectMember.objects.filter(pk=membership.pk).exists(), outbox.names()) == (True, [])
    assert clients["alice"].delete(door).status_code == 204


def test_a_person_is_shown_a_page_that_says_so(alice, project, membership, outbox):
    browser = Client()
    log_in(browser, alice)
    door = f"/projects/OPS/members/{membership.user_id}/remove/"

    answer = is_rolled_back(lambda: browser.post(door), project, membership)

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "Nothing was done; send it again." in answer.content.decode()
    assert ProjectMember.objects.filter(pk=membership.pk).exists()
    assert browser.post(door).status_code == 302


def test_who_waits_for_ones_inbox_is_in_nobodys_way(mallory):
    """A task of one's own names its writer; while an inbox is being made, that must not have to wait for its end."""
    made, named = threading.Event(), threading.Event()

    def make():
        with transaction.atomic():
            projects.get_or_create_inbox(actor=mallory)
            made.set()
            assert named.wait(20)

    def name():
        made.wait(20)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                # What a foreign key to the person asks for.
                cursor.execute("SELECT 1 FROM accounts_user WHERE id = %s FOR KEY SHARE NOWAIT", [mallory.pk])
                return cursor.fetchone()
        finally:
            named.set()

    assert run_concurrently([make, name]) == [None, (1,)]
