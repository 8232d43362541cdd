"""Shapes of people, sessions and teams: one class per verb's input, one per noun's output."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import Session, Team, TeamMember, User
from gateway.fields import Boolean, Choice, Input, Line, Text, Uuid
from gateway.pagination import PageQuery


class RegisterInput(Input):
    email = serializers.EmailField(max_length=254)
    name = Line(max_length=120)
    password = Text(max_length=200, trim_whitespace=False, write_only=True)


class LoginInput(Input):
    email = Text(max_length=254)
    password = Text(max_length=200, trim_whitespace=False, write_only=True)


class RefreshInput(Input):
    refresh = Text(max_length=4000)


class ProfilePatch(Input):
    name = Line(max_length=120, required=False)
    time_zone = Text(max_length=60, required=False, help_text="A name of the IANA database, like Europe/Berlin.")
    language = Choice(choices=settings.LANGUAGES, required=False)
    week_start = Choice(choices=User._meta.get_field("week_start").choices, required=False)
    theme = Choice(choices=User._meta.get_field("theme").choices, required=False)
    density = Choice(choices=User._meta.get_field("density").choices, required=False)
    shortcuts = Boolean(required=False, help_text="Whether single keys do something on pages.")


class PersonOut(serializers.ModelSerializer[User]):
    """Somebody else: what the directory shows to whoever is signed in."""

    class Meta:
        model = User
        fields = ["id", "name", "handle", "role"]


class MeOut(serializers.ModelSerializer[User]):
    avatar_url = serializers.SerializerMethodField(help_text="Of one's picture; none when there is none.")

    class Meta:
        model = User
        fields = [
            "id",
            "email",
            "name",
            "handle",
            "role",
            "tier",
            "time_zone",
            "language",
            "week_start",
            "theme",
            "density",
            "shortcuts",
            "avatar_url",
            "version",
            "created_at",
        ]

    def get_avatar_url(self, person: User) -> str | None:
        return f"/api/v1/users/{person.pk}/avatar/" if person.avatar else None


class TokensOut(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    user = MeOut()


class SessionOut(serializers.ModelSerializer[Session]):
    """`device` is the browser or the program in words, by what it says of itself."""

    device = serializers.CharField(source="device_name")
    current = serializers.SerializerMethodField()
    last_used_at = serializers.DateTimeField(source="rotated_at")

    class Meta:
        model = Session
        fields = [
            "id",
            "kind",
            "device",
            "user_agent",
            "address",
            "created_at",
            "last_used_at",
            "expires_at",
            "current",
        ]

    def get_current(self, session: Session) -> bool:
        return bool(session.pk == self.context["current"])


class PeopleQuery(PageQuery):
    search = serializers.CharField(required=False, max_length=100)


class TeamInput(Input):
    name = Line(max_length=120)


class TeamMemberInput(Input):
    user = Uuid()
    role = Choice(choices=TeamMember.Role.choices, default=TeamMember.Role.MEMBER)


class TeamMemberPatch(Input):
    role = Choice(choices=TeamMember.Role.choices)


class TeamMemberOut(serializers.ModelSerializer[TeamMember]):
    user = PersonOut()

    class Meta:
        model = TeamMember
        fields = ["user", "role", "version", "created_at"]


class TeamOut(serializers.ModelSerializer[Team]):
    member_count = serializers.IntegerField()

    class Meta:
        model = Team
        fields = ["id", "name", "member_count", "version", "created_at"]
