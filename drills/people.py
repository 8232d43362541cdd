"""People for a drill: made by the services, so that making them costs no requests."""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from accounts.services import open_session, register
from tasks.models import Project, Role
from tasks.services import add_member, create_project

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Person:
    user: User
    token: str


def person(name: str, tier: str = User.Tier.LOAD) -> Person:
    """Register somebody of this tier and sign them in."""
    made = register(email=f"{name.lower()}-{os.urandom(3).hex()}@example.com", name=name, password=PASSWORD)
    User.objects.filter(pk=made.pk).update(tier=tier)
    return Person(made, sign_in(made))


def sign_in(user: User) -> str:
    """Open one more session; returns its access token."""
    return open_session(user=user, now=timezone.now()).access


def shared_project(name: str, owner: Person, *members: Person) -> Project:
    key = f"D{os.urandom(4).hex().upper()}"
    project = create_project(actor=owner.user, key=key, name=name)
    for member in members:
        add_member(actor=owner.user, ref=key, user_id=member.user.pk, role=Role.EDITOR)
    return project
