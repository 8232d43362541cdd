"""Events of changes that notify nobody: comments, states and teams."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import TeamMember
from accounts.teams import services as teams
from core.errors import NotAllowed
from tasks.comments import services as comments
from tasks.projects import states
from tasks.tests.factories import CommentFactory, TaskFactory

pytestmark = pytest.mark.django_db


def test_edited_and_deleted_comments_publish_events(alice, bob, project, outbox):
    task = TaskFactory(project=project, number=7, creator=alice)
    comment = CommentFactory(task=task, author=alice, body="before")
    ref = str(task.pk)

    comments.update(actor=alice, ref=ref, comment_id=comment.pk, body="before", now=task.created_at)
    with pytest.raises(NotAllowed):
        comments.update(actor=bob, ref=ref, comment_id=comment.pk, body="forged", now=task.created_at)
    unchanged = outbox.names()
    comments.update(actor=alice, ref=ref, comment_id=comment.pk, body="after", now=task.created_at)
    comments.delete(actor=alice, ref=ref, comment_id=comment.pk, now=task.created_at)

    assert (unchanged, outbox.names()) == ([], ["task.comment_edited", "task.comment_deleted"])
    assert outbox.only("task.comment_edited")["comment_id"] == str(comment.pk)
    deleted = outbox.only("task.comment_deleted")
    assert (deleted["author_id"], deleted["task"]["id"]) == (str(alice.pk), ref)
    assert "after" not in str(deleted)


def test_changed_states_publish_events(alice, project, outbox):
    state = states.add(actor=alice, ref=project.key, name="Review", category="in_progress")
    states.update(actor=alice, ref=project.key, state_id=state.pk, changes={"name": "Review"})
    states.update(actor=alice, ref=project.key, state_id=state.pk, changes={"name": "Checks"})
    states.delete(actor=alice, ref=project.key, state_id=state.pk, now=timezone.now())

    assert [payload["changes"]["states"] for payload in outbox.payloads("project.updated")] == [
        [[], ["Review"]],
        [["Review"], ["Checks"]],
        [["Checks"], []],
    ]


def test_renamed_team_publishes_an_event(admin, outbox):
    team = teams.create(actor=admin, name="Old")
    teams.rename(actor=admin, team_id=team.pk, name="Old")
    teams.rename(actor=admin, team_id=team.pk, name="New")

    assert outbox.only("team.updated")["changes"] == {"name": ["Old", "New"]}
    assert TeamMember.objects.filter(team=team).exists()
