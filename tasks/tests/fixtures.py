"""The project of most tests: OPS, owned by alice, with one member for each role."""

from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory
from tasks.models import Role
from tasks.tests.factories import CommentFactory, LabelFactory, MemberFactory, ProjectFactory, TaskFactory


@pytest.fixture
def project(alice, bob):
    project = ProjectFactory(key="OPS", name="Operations", owner=alice)
    MemberFactory(project=project, user=bob, role=Role.EDITOR)
    return project


@pytest.fixture
def viewer(project):
    return MemberFactory(project=project, user=UserFactory(handle="viewer"), role=Role.VIEWER).user


@pytest.fixture
def commenter(project):
    return MemberFactory(project=project, user=UserFactory(handle="commenter"), role=Role.COMMENTER).user


@pytest.fixture
def project_admin(project):
    return MemberFactory(project=project, user=UserFactory(handle="project_admin"), role=Role.ADMIN).user


@pytest.fixture
def task(project):
    return TaskFactory(project=project, title="Fix the printer")


@pytest.fixture
def label(project):
    return LabelFactory(project=project, name="urgent")


@pytest.fixture
def comment(task, bob):
    return CommentFactory(task=task, author=bob)


@pytest.fixture
def inbox(alice):
    return ProjectFactory(key="MEALICE", name="Inbox", owner=alice, is_inbox=True)
