"""API of API keys and of service accounts, which administrators manage."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_keys import selectors, service_accounts, services
from accounts.api_keys.scopes import SCOPES
from accounts.api_keys.service_accounts import SERVICE_ACCOUNT_ROLES
from accounts.api_keys.services import CreatedKey
from accounts.models import ApiKey, User
from core.api.fields import (
    SingleLineField,
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictSerializer,
)
from core.api.generics import ActionView, ApiView, CreateView, DeleteView, DetailView, ListView, UpdateView
from core.api.pagination import PageQuerySerializer, Sort
from core.api.query_params import BooleanQueryField
from core.etags import object_etag
from core.serialization import dumps

MAX_OVERLAP_HOURS = int(services.MAX_OVERLAP.total_seconds() // 3600)
DEFAULT_OVERLAP_HOURS = int(services.DEFAULT_OVERLAP.total_seconds() // 3600)


class ApiKeyInput(StrictSerializer):
    """Input for a new key."""

    name = SingleLineField(max_length=80)
    scopes = serializers.ListField(child=StrictChoiceField(choices=SCOPES), min_length=1, max_length=len(SCOPES))
    projects = serializers.ListField(
        child=StrictCharField(max_length=40),
        required=False,
        max_length=20,
        help_text="Ids or keys. The key then reaches only these projects, and requests must name one of them.",
    )
    allowed_networks = serializers.ListField(
        child=StrictCharField(max_length=43),
        required=False,
        max_length=20,
        help_text="IP addresses or networks that the key is accepted from; IPv6 addresses count by their /64.",
    )
    expires_at = StrictDateTimeField(required=False, help_text="At most 366 days from now; 90 days by default.")


class RotateInput(StrictSerializer):
    """Options of a rotation."""

    overlap_hours = StrictIntegerField(
        required=False,
        min_value=0,
        max_value=MAX_OVERLAP_HOURS,
        help_text=f"How long the old key stays valid; {DEFAULT_OVERLAP_HOURS} by default.",
    )


class ApiKeyQuery(PageQuerySerializer):
    """Query parameters of the list of keys."""

    active = BooleanQueryField(required=False, help_text="Only open keys, or only revoked and expired ones.")


class ApiKeyOut(serializers.ModelSerializer[ApiKey]):
    """A key without its text."""

    prefix = serializers.CharField(source="display_prefix", help_text="First characters of the key.")

    class Meta:
        model = ApiKey
        fields = [
            "id", "owner", "name", "prefix", "scopes", "projects", "allowed_networks", "replaces", "version",
            "created_at", "expires_at", "revoked_at", "last_used_at", "last_used_ip",
        ]  # fmt: skip


class CreatedApiKeyOut(ApiKeyOut):
    """A new key with its text."""

    key = serializers.CharField(help_text="The key itself. It is not stored, and cannot be shown again.")

    class Meta(ApiKeyOut.Meta):
        fields = [*ApiKeyOut.Meta.fields, "key"]


class CreatedKeyView(ApiView):
    """Base of views that return the text of a new key, once."""

    encrypt_stored_response = True
    serializer_class = CreatedApiKeyOut

    def object_response(self, obj: CreatedKey, **_: Any) -> HttpResponse:
        data: dict[str, Any] = ApiKeyOut(obj.key).data
        headers = {
            "ETag": object_etag(obj.key.version, dumps(data)),  # the one that GET gives
            "Location": f"/api/v1/api-keys/{obj.key.pk}/",
            "Cache-Control": "no-store",
        }
        return Response({**data, "key": obj.text}, status=201, headers=headers)


class ApiKeysView(CreatedKeyView, ListView, CreateView):
    """The caller's own API keys."""

    operation_ids = {"get": "list_api_keys", "post": "create_api_key"}
    api_key_scope = None
    requires_recent_login = {"POST"}
    list_serializer_class = ApiKeyOut
    query_serializer_class = ApiKeyQuery
    input_serializer_class = ApiKeyInput
    default_ordering = "-id"

    def get_owner(self) -> User:
        """Return the account whose keys are listed and created."""
        return self.user

    def get_queryset(self, **url: Any) -> QuerySet[ApiKey]:
        owner = self.get_owner(**url)
        if "active" in self.params:
            return selectors.list_by_state(owner, active=self.params["active"], now=self.now)
        return selectors.list_api_keys(owner)

    def create_object(self, data: dict[str, Any], **url: Any) -> CreatedKey:
        spec = services.KeySpec(**data)
        return services.create_key(actor=self.user, owner=self.get_owner(**url), spec=spec, now=self.now)


class ApiKeyView(DetailView, DeleteView):
    """An API key of the caller; any for administrators."""

    operation_ids = {"get": "get_api_key", "delete": "revoke_api_key"}
    api_key_scope = None
    serializer_class = ApiKeyOut
    object_selector = selectors.get_api_key
    delete_service = services.revoke_key
    services_take_now = True


class RotateApiKeyView(CreatedKeyView, ActionView):
    """Create a successor of a key; the old key stays valid for the overlap."""

    operation_ids = {"post": "rotate_api_key"}
    api_key_scope = None
    requires_recent_login = {"POST"}
    input_serializer_class = RotateInput
    success_status = 201

    def perform_action(self, data: dict[str, Any], key_id: uuid.UUID) -> CreatedKey:
        overlap = timedelta(hours=data.get("overlap_hours", DEFAULT_OVERLAP_HOURS))
        return services.rotate_key(
            actor=self.user, key_id=key_id, now=self.now, overlap=overlap, versions=self.versions
        )


class ServiceAccountInput(StrictSerializer):
    """Input for a new service account."""

    name = SingleLineField(max_length=120)
    role = StrictChoiceField(choices=SERVICE_ACCOUNT_ROLES, required=False, help_text="Never administrator.")


class ServiceAccountPatch(StrictSerializer):
    """Changes of a service account."""

    name = SingleLineField(max_length=120, required=False)
    role = StrictChoiceField(choices=SERVICE_ACCOUNT_ROLES, required=False)
    tier = StrictChoiceField(choices=User.Tier.choices, required=False, help_text="Rate limit of each of its keys.")
    is_active = StrictBooleanField(required=False, help_text="False revokes its keys.")


class ServiceAccountOut(serializers.ModelSerializer[User]):
    """A service account."""

    class Meta:
        model = User
        fields = ["id", "name", "handle", "role", "tier", "is_active", "version", "created_at"]


class ServiceAccountsView(ListView, CreateView):
    """Service accounts."""

    operation_ids = {"get": "list_service_accounts", "post": "create_service_account"}
    api_key_scope = None
    serializer_class = ServiceAccountOut
    input_serializer_class = ServiceAccountInput
    ordering_fields = {"name": Sort("name")}
    default_ordering = "name"
    has_location = True
    list_selector = selectors.list_service_accounts
    create_service = service_accounts.create_service_account


class ServiceAccountLookup(ApiView):
    """Loads the account of the URL before the body is read: for other users it does not exist, whatever they send."""

    api_key_scope = None
    account: User

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.account = selectors.get_service_account(self.user, kwargs["account_id"])


class ServiceAccountView(ServiceAccountLookup, DetailView, UpdateView):
    """A service account."""

    operation_ids = {"get": "get_service_account", "patch": "update_service_account"}
    requires_recent_login = {"PATCH"}
    serializer_class = ServiceAccountOut
    patch_serializer_class = ServiceAccountPatch
    update_service = service_accounts.update_service_account
    services_take_now = True

    def get_object(self, account_id: uuid.UUID) -> User:
        return self.account


class ServiceAccountKeysView(ServiceAccountLookup, ApiKeysView):
    """API keys of a service account."""

    operation_ids = {"get": "list_service_account_keys", "post": "create_service_account_key"}

    def get_owner(self, account_id: uuid.UUID) -> User:
        return self.account
