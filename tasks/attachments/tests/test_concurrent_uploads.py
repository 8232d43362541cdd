"""Concurrent uploads: the database decides who gets the rest of a limit."""

from __future__ import annotations

import pytest

from accounts.tests.fixtures import signed_in
from core.testing.concurrency import run_concurrently
from tasks.models import Attachment, StoredFile
from tasks.tests.attachments import upload
from tasks.tests.factories import TaskFactory

UPLOADS = 6


@pytest.mark.django_db(transaction=True)
def test_rest_of_the_quota_goes_to_one_upload(task, bob, settings, attachment_dir):
    settings.ATTACHMENT_PROJECT_QUOTA_BYTES = 150
    keys = [TaskFactory(project=task.project).key for _ in range(UPLOADS)]
    clients = [signed_in(bob) for _ in keys]

    def attach(number):
        url = f"/api/v1/tasks/{keys[number]}/attachments/"
        return clients[number].post(url, {"file": upload(b"x" * 100)}, format="multipart").status_code

    statuses = run_concurrently([lambda number=number: attach(number) for number in range(UPLOADS)])

    assert sorted(statuses) == [201] + [409] * (UPLOADS - 1)
    assert (Attachment.objects.count(), StoredFile.objects.count()) == (1, 1)
    assert len([path for path in attachment_dir.rglob("*") if path.is_file()]) == 1


@pytest.mark.django_db(transaction=True)
def test_last_place_of_a_task_goes_to_one_upload(task, bob, settings):
    settings.ATTACHMENT_MAX_PER_TASK = 1
    clients = [signed_in(bob) for _ in range(UPLOADS)]

    def attach(client):
        return client.post("/api/v1/tasks/OPS-1/attachments/", {"file": upload()}, format="multipart").status_code

    statuses = run_concurrently([lambda client=client: attach(client) for client in clients])

    assert sorted(statuses) == [201] + [409] * (UPLOADS - 1)
    assert Attachment.objects.count() == 1
