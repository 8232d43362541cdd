from rest_framework import serializers

from accounts.models import Team, TeamMember
from core.api.fields import SingleLineField, StrictChoiceField, StrictSerializer, StrictUUIDField


class TeamInput(StrictSerializer):
    name = SingleLineField(max_length=120)


class TeamMemberInput(StrictSerializer):
    user = StrictUUIDField()
    role = StrictChoiceField(choices=TeamMember.Role.choices, default=TeamMember.Role.MEMBER)


class TeamMemberPatch(StrictSerializer):
    role = StrictChoiceField(choices=TeamMember.Role.choices)


class TeamOut(serializers.ModelSerializer[Team]):
    member_count = serializers.IntegerField()

    class Meta:
        model = Team
        fields = ["id", "name", "member_count", "version", "created_at"]
