from typing import Any

from rest_framework import serializers

from core.api.fields import StrictCharField, StrictSerializer
from tasks.bulk.serializers import BulkJobOut


class UndoInput(StrictSerializer):
    token = StrictCharField(max_length=200, help_text="The `Undo-Token` of a write's response, good for 10 minutes.")


class UndoneOut(serializers.Serializer[Any]):
    """The write that was undone: the name of its event, and the task or project it was about.

    Both are null for a change of many tasks.
    """

    name = serializers.CharField()
    task_id = serializers.UUIDField(allow_null=True)
    project_id = serializers.UUIDField(allow_null=True)
    key = serializers.CharField()
    exists = serializers.BooleanField(help_text="Whether the task or project is there now.")
    job = BulkJobOut(allow_null=True, help_text="A restoration by a worker, of more than 20,000 rows.")
