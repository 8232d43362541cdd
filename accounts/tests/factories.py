"""Factories of minimal valid rows, without random values."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import factory
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.auth.one_time_tokens import hash_token
from accounts.models import AccountDeletion, Avatar, Export, ExportChunk, Invitation, Session, Team, TeamMember, User

PASSWORD = "a quiet river bends"


@cache
def hashed_password() -> str:
    return make_password(PASSWORD)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    handle = factory.Sequence(lambda n: f"user{n}")
    name = factory.LazyAttribute(lambda user: user.handle.title())
    email = factory.LazyAttribute(lambda user: f"{user.handle}@example.com")
    password = factory.LazyFunction(hashed_password)


def with_email_address(user: User, *, verified: bool = True) -> User:
    """Add the row that allauth keeps for the user's email address."""
    columns = {"verified": verified, "primary": True}
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults=columns)
    return user


class ServiceAccountFactory(UserFactory):
    kind = User.Kind.SERVICE
    tier = User.Tier.SERVICE
    password = factory.LazyFunction(lambda: "!")


class SessionFactory(DjangoModelFactory):
    class Meta:
        model = Session

    user = factory.SubFactory(UserFactory)
    refresh_jti: Any = factory.Sequence(lambda n: f"{n:032x}")
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))


class BrowserSessionFactory(SessionFactory):
    kind = Session.Kind.BROWSER
    refresh_jti = ""


class AvatarFactory(DjangoModelFactory):
    class Meta:
        model = Avatar
        django_get_or_create = ("user",)
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory)
    digest = "0123456789abcdef"
    small = medium = large = b"RIFF\x04\x00\x00\x00WEBP"

    @factory.post_generation
    def set_on_user(avatar, *_args, **_kwargs):  # noqa: N805 -- factory_boy hands over what it made
        User.objects.filter(pk=avatar.user_id).update(avatar=avatar.digest)
        avatar.user.avatar = avatar.digest


class InvitationFactory(DjangoModelFactory):
    """A pending invitation; `secret` is the token of its link."""

    class Meta:
        model = Invitation

    class Params:
        secret = factory.Sequence(lambda n: f"secret-{n:036}")

    email = factory.Sequence(lambda n: f"guest{n}@example.com")
    inviter = factory.SubFactory(UserFactory, role=User.Role.STAFF)
    token_hash = factory.LazyAttribute(lambda row: hash_token(row.secret))
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))


class AccountDeletionFactory(DjangoModelFactory):
    class Meta:
        model = AccountDeletion

    class Params:
        secret = factory.Sequence(lambda n: f"way-back-{n:034}")

    user = factory.SubFactory(UserFactory, is_active=False)
    token_hash = factory.LazyAttribute(lambda row: hash_token(row.secret))
    due_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=14))


class ExportFactory(DjangoModelFactory):
    """A finished export of one chunk."""

    class Meta:
        model = Export
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory)
    state = Export.State.READY
    size = 4
    ready_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))

    @factory.post_generation
    def chunks(export, *_args, **_kwargs):  # noqa: N805 -- factory_boy hands over what it made
        ExportChunk.objects.create(export=export, number=0, data=b"PK\x05\x06")


class TeamFactory(DjangoModelFactory):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n:04}")


class TeamMemberFactory(DjangoModelFactory):
    class Meta:
        model = TeamMember

    team = factory.SubFactory(TeamFactory)
    user = factory.SubFactory(UserFactory)
