"""Endpoints of task shares, and of why a user has access."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import StrictChoiceField, StrictSerializer
from core.api.generics import CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.query_params import CommaSeparatedUUIDField, QuerySerializer
from core.errors import Invalid
from tasks.items import selectors as items_selectors
from tasks.members.serializers import UserOrEmailInput
from tasks.models import SharedRole, TaskShare
from tasks.project_scope import project_of_task_in_path
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors, services


class ShareInput(UserOrEmailInput):
    role = StrictChoiceField(choices=SharedRole.choices, default=SharedRole.VIEWER)


class SharePatch(StrictSerializer):
    role = StrictChoiceField(choices=SharedRole.choices)


class ShareOut(serializers.ModelSerializer[TaskShare]):
    user = UserOut()
    shared_by = UserOut(allow_null=True)

    class Meta:
        model = TaskShare
        fields = ["user", "role", "shared_by", "version", "created_at"]


class ExplainQuery(QuerySerializer):
    user = CommaSeparatedUUIDField(
        keywords=("me",), required=False, help_text="The id of a person, or `me`; the caller, if left out."
    )
    task = serializers.CharField(required=False, max_length=40, help_text="Id or key.")
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key; instead of `task`.")

    def validate_user(self, value: list[str]) -> str:
        if len(value) != 1:
            raise serializers.ValidationError("Give one id, or `me`.", "invalid")
        return value[0]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("task" in attrs) == ("project" in attrs):
            raise serializers.ValidationError({"task": "Name one thing: a task or a project."})
        return attrs


class PermissionsOut(serializers.Serializer[Any]):
    see = serializers.BooleanField()
    comment = serializers.BooleanField()
    edit = serializers.BooleanField()
    delete = serializers.BooleanField(required=False, help_text="Of a task.")
    share = serializers.BooleanField(required=False, help_text="Of a task.")
    manage_project = serializers.BooleanField()


class ReasonOut(serializers.Serializer[Any]):
    code = serializers.CharField(
        help_text="member, team, share, staff, administrator; nothing, deactivated, inbox, archived."
    )
    role = serializers.CharField(allow_null=True, help_text="The role that this gives; null where it gives none.")
    message = serializers.CharField()


class ExplanationOut(serializers.Serializer[Any]):
    """Permissions of a user on a task or project, and the reasons."""

    user = UserOut()
    role = serializers.CharField(allow_null=True, help_text="The highest of what the reasons give.")
    permissions = PermissionsOut()
    reasons = ReasonOut(many=True)


class SharesView(ListView, CreateView):
    operation_ids = {"get": "list_task_shares", "post": "share_task"}
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = project_of_task_in_path
    input_serializer_class = ShareInput
    serializer_class = ShareOut
    create_service = services.add

    def get_queryset(self, ref: str) -> QuerySet[TaskShare]:
        return selectors.list_visible_shares(self.user, items_selectors.get_task(self.user, ref))


class ShareView(DetailView, UpdateView, DeleteView):
    operation_ids = {"get": "get_task_share", "patch": "update_task_share", "delete": "unshare_task"}
    api_key_scope = {"GET": "tasks:read", "PATCH": "tasks:write", "DELETE": "tasks:delete"}
    project_from = project_of_task_in_path
    patch_serializer_class = SharePatch
    serializer_class = ShareOut
    delete_service = services.remove

    def get_object(self, ref: str, user_id: uuid.UUID) -> TaskShare:
        return selectors.get_share(items_selectors.get_task(self.user, ref), user_id, reader=self.user)

    def update_object(self, data: dict[str, Any], ref: str, user_id: uuid.UUID) -> TaskShare:
        return services.update(actor=self.user, ref=ref, user_id=user_id, role=data.get("role"), versions=self.versions)


class ExplainAccessView(DetailView):
    operation_ids = {"get": "explain_access"}
    api_key_scope = None
    query_serializer_class = ExplainQuery
    serializer_class = ExplanationOut
    has_versions = False

    def get_object(self) -> selectors.AccessExplanation:
        params = self.params
        task = items_selectors.get_task(self.user, params["task"]) if "task" in params else None
        project = task.project if task else projects_selectors.get_project(self.user, params["project"])
        user_id = uuid.UUID(params["user"]) if params.get("user", "me") != "me" else self.user.pk
        explanation = selectors.explain_access(self.user, user_id, project, task)
        if explanation is None:
            raise Invalid.field("user", "There is no such person.", "does_not_exist")
        return explanation
