from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.models import ApiKey
from core.api.fields import StrictCharField, StrictChoiceField, StrictSerializer
from core.api.generics import CreateView, DeleteView, ListView
from tasks.items import selectors as items_selectors
from tasks.models import Category, Task, TaskRelation
from tasks.project_scope import project_of_task_in_path, projects_of_related_tasks
from tasks.relations import selectors, services


class RelationInput(StrictSerializer):
    kind = StrictChoiceField(choices=list(selectors.LABELS.items()), help_text="What this task is to the other.")
    task = StrictCharField(max_length=40, help_text="Id or key of the other task.")


class RelatedTaskOut(serializers.Serializer[Task]):
    id = serializers.UUIDField()
    key = serializers.CharField()
    title = serializers.CharField()
    status = serializers.CharField(source="state.slug")
    category = serializers.ChoiceField(choices=Category.choices)


class RelationOut(serializers.Serializer[TaskRelation]):
    """A relation as the task of the path says it."""

    id = serializers.UUIDField()
    kind = serializers.SerializerMethodField()
    task = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_kind(self, relation: TaskRelation) -> str:
        return selectors.kind_for(relation, self.context["task_id"])

    def get_task(self, relation: TaskRelation) -> RelatedTaskOut:
        return RelatedTaskOut(selectors.other_task(relation, self.context["task_id"])).data  # type: ignore[return-value]


class RelationsView(ListView, CreateView):
    """Relations of a task to others that the caller sees."""

    operation_ids = {"get": "list_task_relations", "post": "relate_task"}
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = {"GET": project_of_task_in_path, "POST": projects_of_related_tasks}
    serializer_class = RelationOut
    input_serializer_class = RelationInput
    has_versions = False
    task_id: uuid.UUID

    def get_queryset(self, ref: str) -> QuerySet[TaskRelation]:
        task = items_selectors.get_task(self.user, ref)
        self.task_id = task.pk
        key = self.request.auth
        # A key that is limited to some projects sees no task of another.
        projects = key.projects if isinstance(key, ApiKey) else ()
        return selectors.list_relations(self.user, task, projects=projects)

    def create_object(self, data: dict[str, Any], ref: str) -> TaskRelation:
        self.task_id = items_selectors.get_task(self.user, ref).pk
        relation = services.add(actor=self.user, ref=ref, now=self.now, **data)
        return selectors.list_relations(self.user, Task(pk=self.task_id)).get(pk=relation.pk)

    def get_serializer_context(self) -> dict[str, Any]:
        return {"task_id": self.task_id} if hasattr(self, "task_id") else {}


class RelationView(DeleteView):
    operation_ids = {"delete": "remove_task_relation"}
    has_undo = True
    api_key_scope = {"DELETE": "tasks:write"}
    project_from = project_of_task_in_path
    has_versions = False

    def delete_object(self, ref: str, relation_id: uuid.UUID) -> None:
        services.remove(actor=self.user, ref=ref, relation_id=relation_id, now=self.now)
