from __future__ import annotations

import pytest
from django.urls import reverse

from analytics.models import DailyStat, TaskSnapshot
from analytics.tests.event_factories import ALPHA, publish_event, task_payload
from core.testing.page_client import log_in


@pytest.fixture
def admin_client(admin, client):
    log_in(client, admin)
    for task in range(1, 4):
        publish_event("task.created", task_payload(task))
    return client


@pytest.mark.parametrize("model", ["tasksnapshot", "dailystat"])
@pytest.mark.parametrize("query", [{}, {"q": str(ALPHA)}, {"q": "nonsense"}])
def test_statistics_are_listed_and_searched_in_the_admin(admin_client, model, query):
    assert admin_client.get(reverse(f"admin:analytics_{model}_changelist"), query).status_code == 200


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_statistics_cannot_be_changed_in_the_admin(admin_client, verb):
    for row in (TaskSnapshot.objects.all()[0], DailyStat.objects.get()):
        url = reverse(f"admin:analytics_{row._meta.model_name}_{verb}", args=[row.pk])

        assert admin_client.post(url, {"post": "yes", "created": 9, "version": 9}).status_code == 403

    assert TaskSnapshot.objects.filter(version=1).count() == 3
    assert DailyStat.objects.get().created == 3
