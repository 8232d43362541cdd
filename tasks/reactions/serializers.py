from rest_framework import serializers

from accounts.users.serializers import UserOut
from tasks.models import Reaction


class ReactionOut(serializers.ModelSerializer[Reaction]):
    user = UserOut()

    class Meta:
        model = Reaction
        fields = ["id", "emoji", "user", "created_at"]
