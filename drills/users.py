"""Users and projects for a drill, created by the services and not by requests."""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.utils import timezone

from accounts.auth.sessions.services import issue_tokens, open_session
from accounts.models import User
from accounts.users.services import register
from tasks.members import services as members_services
from tasks.models import Project, Role
from tasks.projects import services as projects

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class SignedInUser:
    user: User
    token: str


def create_user(name: str, tier: str = User.Tier.LOAD) -> SignedInUser:
    """Register a user of this tier and open a session."""
    user = register(email=f"{name.lower()}-{os.urandom(3).hex()}@example.com", name=name, password=PASSWORD)
    User.objects.filter(pk=user.pk).update(tier=tier)
    return SignedInUser(user, issue_access_token(user))


def issue_access_token(user: User) -> str:
    """Open a session and return its access token."""
    return issue_tokens(open_session(user=user, now=timezone.now())).access


def create_shared_project(name: str, owner: SignedInUser, *members: SignedInUser) -> Project:
    key = f"D{os.urandom(4).hex().upper()}"
    project = projects.create(actor=owner.user, key=key, name=name)
    for member in members:
        members_services.add(actor=owner.user, ref=key, user_id=member.user.pk, role=Role.EDITOR)
    return project
