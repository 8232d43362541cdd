"""Users and projects with the ids that the events of these tests name."""

from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory
from analytics.tests.event_factories import ALPHA, ANA, BEN, BETA
from tasks.tests.factories import MemberFactory, ProjectFactory


@pytest.fixture
def alice(db):
    return UserFactory(handle="alice", id=ANA)


@pytest.fixture
def bob(db):
    return UserFactory(handle="bob", id=BEN)


@pytest.fixture
def projects(alice, bob):
    """Alpha is shared by alice and bob, beta is alice's alone; bob also has an inbox."""
    alpha = ProjectFactory(id=ALPHA, key="ALPHA", owner=alice)
    MemberFactory(project=alpha, user=bob)
    beta = ProjectFactory(id=BETA, key="BETA", owner=alice)
    return alpha, beta, ProjectFactory(key="MEBOB", owner=bob, is_inbox=True)
