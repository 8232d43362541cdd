from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import StrictSerializer, TextField
from tasks.models import Comment


class CommentInput(StrictSerializer):
    body = TextField(max_length=20_000, trim_whitespace=False)


class CommentOut(serializers.ModelSerializer[Comment]):
    author = UserOut()

    class Meta:
        model = Comment
        fields = ["id", "author", "body", "version", "created_at", "edited_at"]
