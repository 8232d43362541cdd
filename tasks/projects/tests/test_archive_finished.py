"""Archiving of finished projects by policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.models import Category, Project, Task
from tasks.projects import services
from tasks.tests.factories import ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OLD = NOW - timedelta(days=91)


def finished_project(key, *, is_inbox=False):
    project = ProjectFactory(key=key, updated_at=OLD, is_inbox=is_inbox)
    done = project.states.get(slug="done")
    TaskFactory(project=project, state=done, category=Category.DONE, closed_at=OLD, updated_at=OLD)
    return project


def test_finished_projects_alone_are_archived(settings, outbox):
    settings.ARCHIVE_PROJECTS_AFTER_DAYS = 90
    finished_project("OLD")
    finished_project("INBOX", is_inbox=True)
    recent = finished_project("RECENT")
    Task.objects.filter(project=recent).update(updated_at=NOW - timedelta(days=89))
    TaskFactory(project=finished_project("OPEN"), updated_at=OLD)
    ProjectFactory(key="EMPTY", updated_at=OLD)

    counts = [services.archive_finished(now=NOW) for _ in range(2)]

    assert counts == [1, 0]
    assert list(Project.objects.exclude(archived_at=None).values_list("key", flat=True)) == ["OLD"]
    assert outbox.names() == ["project.updated"]


def test_archived_project_can_be_unarchived(settings):
    settings.ARCHIVE_PROJECTS_AFTER_DAYS = 90
    project = finished_project("OLD")
    services.archive_finished(now=NOW)

    services.archive(actor=project.owner, ref="OLD", now=NOW, archived=False)

    assert services.archive_finished(now=NOW) == 0
    assert Project.objects.get().archived_at is None


def test_policy_is_off_by_default():
    finished_project("OLD")

    assert services.archive_finished(now=NOW) == 0
