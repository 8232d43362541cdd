"""Cache invalidation by the relay, for writers that die between the commit and its hook."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Team
from accounts.teams import services as teams
from accounts.tests.factories import TeamMemberFactory
from config.invalidation import invalidate
from core.cache import generation
from events.models import Event
from tasks.items import services as items
from tasks.items.drafts import TaskDraft
from tasks.members import services as members
from tasks.members import teams as members_teams
from tasks.projects import labels
from tasks.projects import services as projects
from tasks.sharing import services as sharing
from tasks.tests.factories import ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db


def update_label(alice, bob, project, label):
    labels.update(actor=alice, label_id=label.pk, changes={"name": "calm"})


def delete_label(alice, bob, project, label):
    labels.delete(actor=alice, label_id=label.pk, now=timezone.now())


def create_task(alice, bob, project, label):
    items.create(actor=alice, draft=TaskDraft(title="New"), now=timezone.now(), project_ref="OPS")


def rename_project(alice, bob, project, label):
    projects.update(actor=alice, ref="OPS", changes={"name": "New"}, now=timezone.now())


def delete_project(alice, bob, project, label):
    projects.delete(actor=alice, ref="OPS", now=timezone.now())


def remove_member(alice, bob, project, label):
    members.remove(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now())


def add_team(alice, bob, project, label):
    members_teams.add(actor=alice, ref="OPS", team_id=create_team(alice, bob).pk, role="editor")


def remove_team(alice, bob, project, label):
    members.remove(actor=alice, ref="OPS", user_id=bob.pk, now=timezone.now())
    add_team(alice, bob, project, label)
    Event.objects.all().delete()
    members_teams.remove(actor=alice, ref="OPS", team_id=Team.objects.get().pk, now=timezone.now())


def remove_user_from_team(alice, bob, project, label):
    teams.remove_member(actor=alice, team_id=create_team(alice, bob).pk, user_id=bob.pk)


def drop_team(alice, bob, project, label):
    teams.delete(actor=alice, team_id=create_team(alice, bob).pk)


def add_share(alice, bob, project, label):
    task = TaskFactory(project=ProjectFactory(key="ZETA", owner=alice))
    sharing.add(actor=alice, ref=task.key, role="viewer", user_id=bob.pk)


def remove_share(alice, bob, project, label):
    add_share(alice, bob, project, label)
    Event.objects.all().delete()
    sharing.remove(actor=alice, ref="ZETA-1", user_id=bob.pk)


def update_shared_task(alice, bob, project, label):
    add_share(alice, bob, project, label)
    Event.objects.all().delete()
    items.update(actor=alice, ref="ZETA-1", changes={"title": "New"}, now=timezone.now())


def create_team(alice, bob):
    team = TeamMemberFactory(user=alice, role="lead").team
    TeamMemberFactory(team=team, user=bob)
    return team


WRITES = [
    update_label, delete_label, create_task, rename_project, delete_project, remove_member,
    add_team, remove_team, remove_user_from_team, drop_team, add_share, remove_share,
    update_shared_task,
]  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_relay_invalidates_cache_after_missed_commit_hook(write, alice, bob, project, label):
    before = generation(str(bob.pk))

    write(alice, bob, project, label)  # the commit hooks never run
    assert generation(str(bob.pk)) == before
    invalidate(list(Event.objects.all()))

    assert generation(str(bob.pk)) != before
