"""Serializers for teams and their members."""

from rest_framework import serializers

from accounts.models import Team, TeamMember
from accounts.users.serializers import UserOut
from core.api.fields import SingleLineField, StrictChoiceField, StrictSerializer, StrictUUIDField


class TeamInput(StrictSerializer):
    """Input for a new team, or for its new name."""

    name = SingleLineField(max_length=120)


class TeamMemberInput(StrictSerializer):
    """Input for a new member."""

    user = StrictUUIDField(source="user_id")
    role = StrictChoiceField(choices=TeamMember.Role.choices, default=TeamMember.Role.MEMBER)


class TeamMemberPatch(StrictSerializer):
    """Changes of a member."""

    role = StrictChoiceField(choices=TeamMember.Role.choices)


class TeamOut(serializers.ModelSerializer[Team]):
    """A team and the number of its members."""

    member_count = serializers.IntegerField()

    class Meta:
        model = Team
        fields = ["id", "name", "member_count", "version", "created_at"]


class TeamMemberOut(serializers.ModelSerializer[TeamMember]):
    """A member of a team."""

    user = UserOut()

    class Meta:
        model = TeamMember
        fields = ["user", "role", "version", "created_at"]
