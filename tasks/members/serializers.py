from typing import Any

from rest_framework import serializers

from accounts.models import Team
from accounts.users.serializers import UserOut
from core.api.fields import EmailField, StrictChoiceField, StrictSerializer, StrictUUIDField
from tasks.models import ProjectMember, ProjectTeam, Role


class TeamRef(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ["id", "name"]


class ProjectTeamInput(StrictSerializer):
    team = StrictUUIDField(source="team_id")
    role = StrictChoiceField(choices=Role.choices, default=Role.EDITOR)


class ProjectTeamPatch(StrictSerializer):
    role = StrictChoiceField(choices=Role.choices)


class ProjectTeamOut(serializers.ModelSerializer[ProjectTeam]):
    team = TeamRef()

    class Meta:
        model = ProjectTeam
        fields = ["team", "role", "version", "created_at"]


class UserOrEmailInput(StrictSerializer):
    """Name the person by `user` or by `email`."""

    user = StrictUUIDField(source="user_id", required=False)
    email = EmailField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("user_id" in attrs) == ("email" in attrs):
            raise serializers.ValidationError({"user": "Name one person: by user or by email."})
        return attrs


class MemberInput(UserOrEmailInput):
    role = StrictChoiceField(choices=Role.choices, default=Role.EDITOR)


class MemberPatch(StrictSerializer):
    role = StrictChoiceField(choices=Role.choices)


class MemberOut(serializers.ModelSerializer[ProjectMember]):
    """`role` is the person's own, null where only teams give one; `effective_role` is the highest of these."""

    user = UserOut()

    class Meta:
        model = ProjectMember
        fields = ["user", "role", "effective_role", "version", "created_at"]
