"""Serializers for users, profiles, avatars and the staff directory."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework import serializers

from accounts.models import Avatar, User
from accounts.users.locales import Locale, accepted_language
from accounts.users.selectors import USER_STATES
from accounts.users.services import require_time_zone
from core.api.fields import (
    SingleLineField,
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictSerializer,
)
from core.api.pagination import PageQuerySerializer
from core.api.query_params import QuerySerializer

TIME_FORMAT = "%H:%M"
HOME_HELP_TEXT = "The page that opens first: overview, my_tasks, tasks, calendar, inbox, board:KEY or filter:ID."
COLUMNS_HELP_TEXT = "Columns of task lists on pages, such as title, due or field.cost; empty for the usual ones."
REMINDER_HELP_TEXT = "When you are reminded of tasks that are due today, like 09:00 in your time zone."


class LocaleInput(StrictSerializer):
    """Time zone and language of a new account."""

    time_zone = StrictCharField(
        max_length=60, required=False, help_text="A name of the IANA database, like Europe/Berlin. Default: UTC."
    )
    language = StrictChoiceField(
        choices=settings.LANGUAGES, required=False, help_text="Default: the first of Accept-Language."
    )

    def validate_time_zone(self, value: str) -> str:
        require_time_zone(value)
        return value


def pop_locale(params: dict[str, Any], request: HttpRequest) -> Locale:
    """Remove the fields of LocaleInput from the validated input and return them."""
    language = params.pop("language", None) or accepted_language(request)
    return Locale(params.pop("time_zone", "UTC"), language)


class ProfilePatch(StrictSerializer):
    """Changes of the caller's own profile."""

    name = SingleLineField(max_length=120, required=False)
    time_zone = StrictCharField(
        max_length=60, required=False, help_text="A name of the IANA database, like Europe/Berlin."
    )
    language = StrictChoiceField(choices=settings.LANGUAGES, required=False)
    week_start = StrictChoiceField(choices=User._meta.get_field("week_start").choices, required=False)
    theme = StrictChoiceField(choices=User._meta.get_field("theme").choices, required=False)
    density = StrictChoiceField(choices=User._meta.get_field("density").choices, required=False)
    reminder_time = serializers.TimeField(
        required=False, format=TIME_FORMAT, input_formats=[TIME_FORMAT], help_text=REMINDER_HELP_TEXT
    )
    shortcuts = StrictBooleanField(required=False, help_text="Whether pages have single-key shortcuts.")
    home = StrictCharField(max_length=50, required=False, help_text=HOME_HELP_TEXT)
    list_columns = serializers.ListField(
        child=StrictCharField(max_length=46), max_length=12, required=False, help_text=COLUMNS_HELP_TEXT
    )


class UserOut(serializers.ModelSerializer[User]):
    """Another user, as every signed-in user sees them."""

    class Meta:
        model = User
        fields = ["id", "name", "handle", "role"]


class MeOut(serializers.ModelSerializer[User]):
    """The caller's own account."""

    reminder_time = serializers.TimeField(format=TIME_FORMAT, help_text=REMINDER_HELP_TEXT)
    home = serializers.CharField(help_text=HOME_HELP_TEXT)
    list_columns = serializers.ListField(child=serializers.CharField(), help_text=COLUMNS_HELP_TEXT)
    avatar_url = serializers.SerializerMethodField(help_text="URL of the picture; null without one.")

    class Meta:
        model = User
        fields = [
            "id", "email", "name", "handle", "role", "tier", "time_zone", "language", "week_start", "theme", "density",
            "shortcuts", "home", "list_columns", "reminder_time", "avatar_url", "version", "created_at",
        ]  # fmt: skip

    def get_avatar_url(self, user: User) -> str | None:
        return f"/api/v1/users/{user.pk}/avatar/" if user.avatar else None


class TokensOut(serializers.Serializer[Any]):
    """A token pair and the account it belongs to."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    user = MeOut()


class UserQuery(PageQuerySerializer):
    """Query parameters of the list of users."""

    search = serializers.CharField(required=False, max_length=100)


class AvatarInput(serializers.Serializer[Any]):
    """The multipart form with a picture."""

    file = serializers.FileField(help_text="A JPEG, PNG or WebP of at most 5 MB and 16 megapixels.")


class AvatarQuery(QuerySerializer):
    """Query parameters of a picture."""

    size = serializers.ChoiceField(choices=list(Avatar.SIZES), required=False, help_text="Edge in pixels.")


class DirectoryQuery(PageQuerySerializer):
    """Query parameters of the staff directory."""

    search = serializers.CharField(required=False, max_length=100)
    state = serializers.ChoiceField(choices=USER_STATES, required=False, help_text="Default: active.")


class DirectoryPatch(StrictSerializer):
    """Changes of a user by an administrator."""

    role = StrictChoiceField(choices=User.Role.choices, required=False)
    is_active = StrictBooleanField(required=False, help_text="False signs the user out of all devices at once.")


class DirectoryUserOut(serializers.ModelSerializer[User]):
    """A user, as staff sees them."""

    last_seen_at = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = User
        fields = [
            "id", "name", "handle", "email", "role", "is_active", "time_zone", "created_at", "last_seen_at", "version",
        ]  # fmt: skip
