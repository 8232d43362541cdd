from __future__ import annotations

import pytest
from django.urls import reverse

from analytics.models import DailyStat, TaskSnapshot
from analytics.tests.event_factories import ALPHA, publish_event, task_payload
from core.testing.page_client import log_in


@pytest.fixture
def office(admin, client):
    log_in(client, admin)
    for task in range(1, 4):
        publish_event("task.created", task_payload(task))
    return client


@pytest.mark.parametrize("model", ["tasksnapshot", "dailystat"])
@pytest.mark.parametrize("asked", [{}, {"q": str(ALPHA)}, {"q": "nonsense"}])
def test_the_numbers_can_be_looked_up(office, model, asked):
    assert office.get(reverse(f"admin:analytics_{model}_changelist"), asked).status_code == 200


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_nobody_edits_what_is_computed(office, verb):
    for row in (TaskSnapshot.objects.all()[0], DailyStat.objects.get()):
        url = reverse(f"admin:analytics_{row._meta.model_name}_{verb}", args=[row.pk])

        assert office.post(url, {"post": "yes", "created": 9, "version": 9}).status_code == 403

    assert TaskSnapshot.objects.filter(version=1).count() == 3
    assert DailyStat.objects.get().created == 3
