"""Shapes of people, sessions and teams: one class per verb's input, one per noun's output."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import TeamMember, User
from core.api.fields import (
    SingleLineField,
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictSerializer,
)
from core.api.pagination import PageQuerySerializer


class ProfilePatch(StrictSerializer):
    name = SingleLineField(max_length=120, required=False)
    time_zone = StrictCharField(
        max_length=60, required=False, help_text="A name of the IANA database, like Europe/Berlin."
    )
    language = StrictChoiceField(choices=settings.LANGUAGES, required=False)
    week_start = StrictChoiceField(choices=User._meta.get_field("week_start").choices, required=False)
    theme = StrictChoiceField(choices=User._meta.get_field("theme").choices, required=False)
    density = StrictChoiceField(choices=User._meta.get_field("density").choices, required=False)
    shortcuts = StrictBooleanField(required=False, help_text="Whether single keys do something on pages.")


class UserOut(serializers.ModelSerializer[User]):
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

    def get_avatar_url(self, user: User) -> str | None:
        return f"/api/v1/users/{user.pk}/avatar/" if user.avatar else None


class TokensOut(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    user = MeOut()


class UserQuery(PageQuerySerializer):
    search = serializers.CharField(required=False, max_length=100)


class TeamMemberOut(serializers.ModelSerializer[TeamMember]):
    user = UserOut()

    class Meta:
        model = TeamMember
        fields = ["user", "role", "version", "created_at"]
