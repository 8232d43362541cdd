"""What the relay ends for a writer who died between the commit and the hook."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Team
from accounts.services import delete_team, remove_team_member
from accounts.tests.factories import TeamMemberFactory
from config.invalidation import catch_up
from core.cache import generation
from events.models import Event
from tasks import services
from tasks.services import Draft
from tasks.tests.factories import ProjectFactory, TaskFactory

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


def let_a_team_in(alice, bob, project, label):
    services.add_project_team(actor=alice, ref="OPS", team_id=crew(alice, bob).pk, role="editor")


def take_a_team_out(alice, bob, project, label):
    services.remove_member(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now())
    let_a_team_in(alice, bob, project, label)
    Event.objects.all().delete()
    services.remove_project_team(actor=alice, ref="OPS", team_id=Team.objects.get().pk, now=timezone.now())


def take_bob_out_of_a_team(alice, bob, project, label):
    remove_team_member(actor=alice, team_id=crew(alice, bob).pk, user_id=bob.pk)


def end_a_team(alice, bob, project, label):
    delete_team(actor=alice, team_id=crew(alice, bob).pk)


def share_a_task(alice, bob, project, label):
    task = TaskFactory(project=ProjectFactory(key="ZETA", owner=alice))
    services.share_task(actor=alice, ref=task.key, role="viewer", user_id=bob.pk)


def take_a_share_back(alice, bob, project, label):
    share_a_task(alice, bob, project, label)
    Event.objects.all().delete()
    services.unshare_task(actor=alice, ref="ZETA-1", user_id=bob.pk)


def change_a_shared_task(alice, bob, project, label):
    share_a_task(alice, bob, project, label)
    Event.objects.all().delete()
    services.update_task(actor=alice, ref="ZETA-1", changes={"title": "New"}, now=timezone.now())


def crew(alice, bob):
    team = TeamMemberFactory(user=alice, role="lead").team
    TeamMemberFactory(team=team, user=bob)
    return team


WRITES = [
    update_label, delete_label, create_task, rename_project, delete_project, remove_bob,
    let_a_team_in, take_a_team_out, take_bob_out_of_a_team, end_a_team, share_a_task, take_a_share_back,
    change_a_shared_task,
]  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_a_write_whose_hook_never_ran_ends_what_a_member_remembers(write, alice, bob, project, label):
    before = generation(str(bob.pk))

    write(alice, bob, project, label)  # the hooks wait for a commit that does not come
    assert generation(str(bob.pk)) == before
    catch_up(list(Event.objects.all()))

    assert generation(str(bob.pk)) != before
