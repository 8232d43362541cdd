from typing import Any

from rest_framework import serializers

from tasks.items.serializers import ActorOut


class DiffPartOut(serializers.Serializer[Any]):
    op = serializers.ChoiceField(choices=["equal", "delete", "insert"])
    text = serializers.CharField()


class TextVersionOut(serializers.Serializer[Any]):
    """One change of a text. `diff` goes from `before` to `after` by words."""

    id = serializers.CharField()
    at = serializers.DateTimeField()
    actor = ActorOut(allow_null=True)
    before = serializers.CharField()
    after = serializers.CharField()
    diff = DiffPartOut(many=True)


class CommentVersionsOut(serializers.Serializer[Any]):
    results = TextVersionOut(many=True)
