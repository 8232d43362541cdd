"""What the relay ends for a writer who died between the commit and the hook."""

from __future__ import annotations

import pytest
from django.utils import timezone

from config.invalidation import catch_up
from core.cache import generation
from events.models import Event
from tasks import services
from tasks.services import Draft

pytestmark = pytest.mark.django_db


def update_label(alice, bob, project, label):
    services.update_label(actor=alice, label_id=label.pk, changes={"name": "calm"})


def delete_label(alice, bob, project, label):
    services.delete_label(actor=alice, label_id=label.pk)


def create_task(alice, bob, project, label):
    services.create_task(actor=alice, draft=Draft(title="New"), now=timezone.now(), project_ref="OPS")


def rename_project(alice, bob, project, label):
    services.update_project(actor=alice, ref="OPS", changes={"name": "New"}, now=timezone.now())


def delete_project(alice, bob, project, label):
    services.delete_project(actor=alice, ref="OPS")


def remove_bob(alice, bob, project, label):
    services.remove_member(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now())


@pytest.mark.parametrize("write", [update_label, delete_label, create_task, rename_project, delete_project, remove_bob])
def test_a_write_whose_hook_never_ran_ends_what_a_member_remembers(write, alice, bob, project, label):
    before = generation(str(bob.pk))

    write(alice, bob, project, label)  # the hooks wait for a commit that does not come
    assert generation(str(bob.pk)) == before
    catch_up(list(Event.objects.all()))

    assert generation(str(bob.pk)) != before
