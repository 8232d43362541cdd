from typing import Any

from rest_framework import serializers

from core.api.fields import StrictCharField, StrictSerializer, StrictUUIDField
from core.api.query_params import QuerySerializer
from tasks.moving.plan import MAX_TASKS
from tasks.projects.serializers import ProjectRef


class MoveToProjectInput(StrictSerializer):
    project = StrictCharField(max_length=40, help_text="Id or key of the other project.")
    section = StrictUUIDField(
        required=False, help_text="Of the other project; without it the section of the same name, if there is one."
    )


class MovePreviewQuery(QuerySerializer):
    project = serializers.CharField(max_length=40, help_text="Id or key of the other project.")


class MoveNoteOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class MovePreviewOut(serializers.Serializer[Any]):
    """Result that a move would have: `changes` do not come along as they are, `problems` prevent the move."""

    project = ProjectRef()
    task_count = serializers.IntegerField(help_text=f"The task and all below it, at most {MAX_TASKS}.")
    changes = MoveNoteOut(many=True)
    problems = MoveNoteOut(many=True)
