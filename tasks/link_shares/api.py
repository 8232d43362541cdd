from __future__ import annotations

import uuid

from rest_framework import serializers

from accounts.users.serializers import UserOut
from core.api.fields import StrictCharField, StrictChoiceField, StrictDateTimeField, StrictSerializer
from core.api.generics import CreateView, DeleteView, DetailView, ListView
from tasks.link_shares import selectors, services
from tasks.link_shares.tokens import link_url
from tasks.models import LinkRole, LinkShare
from tasks.project_scope import project_of_task_in_path


class LinkShareInput(StrictSerializer):
    role = StrictChoiceField(choices=LinkRole.choices, required=False, help_text="To comment, visitors sign in.")
    password = StrictCharField(max_length=200, required=False, write_only=True, trim_whitespace=False)
    expires_at = StrictDateTimeField(required=False, allow_null=True)


class LinkShareOut(serializers.ModelSerializer[LinkShare]):
    creator = UserOut()
    url = serializers.SerializerMethodField(help_text="Whoever has it can read the task.")
    has_password = serializers.BooleanField()

    class Meta:
        model = LinkShare
        fields = ["id", "url", "role", "has_password", "creator", "expires_at", "created_at"]

    def get_url(self, link: LinkShare) -> str:
        return link_url(link)


class LinkSharesView(ListView, CreateView):
    """Links that show a task to whoever has them, without an account."""

    operation_ids = {"get": "list_task_links", "post": "create_task_link"}
    api_key_scope = {"GET": "tasks:write", "POST": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = LinkShareOut
    input_serializer_class = LinkShareInput
    hashes_password = {"POST"}
    idempotent = False
    has_versions = False
    has_location = True
    list_selector = selectors.list_links
    create_service = services.create
    services_take_now = True


class LinkShareView(DetailView, DeleteView):
    operation_ids = {"get": "get_task_link", "delete": "revoke_task_link"}
    api_key_scope = {"GET": "tasks:write", "DELETE": "tasks:write"}
    project_from = project_of_task_in_path
    serializer_class = LinkShareOut
    has_versions = False
    object_selector = selectors.get_link

    def delete_object(self, ref: str, link_id: uuid.UUID) -> None:
        services.revoke(actor=self.user, ref=ref, link_id=link_id, now=self.now)
