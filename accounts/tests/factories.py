"""The least that is valid; nothing random that matters."""

from __future__ import annotations

from datetime import timedelta

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import Session, Team, TeamMember, User

PASSWORD = "a quiet river bends"
_HASHED: list[str] = []


def hashed() -> str:
    if not _HASHED:
        _HASHED.append(make_password(PASSWORD))
    return _HASHED[0]


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    handle = factory.Sequence(lambda n: f"person{n}")
    name = factory.LazyAttribute(lambda person: person.handle.title())
    email = factory.LazyAttribute(lambda person: f"{person.handle}@example.com")
    password = factory.LazyFunction(hashed)


class SessionFactory(DjangoModelFactory):
    class Meta:
        model = Session

    user = factory.SubFactory(UserFactory)
    refresh_jti = factory.Sequence(lambda n: f"{n:032x}")
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=30))


class TeamFactory(DjangoModelFactory):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n:04}")


class TeamMemberFactory(DjangoModelFactory):
    class Meta:
        model = TeamMember

    team = factory.SubFactory(TeamFactory)
    user = factory.SubFactory(UserFactory)
