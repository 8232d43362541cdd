"""API of service accounts, for administrators."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from accounts.api_keys import selectors
from accounts.api_keys.api import ApiKeysView
from accounts.api_keys.service_accounts import services
from accounts.api_keys.service_accounts.services import SERVICE_ACCOUNT_ROLES
from accounts.models import User
from core.api.fields import SingleLineField, StrictBooleanField, StrictChoiceField, StrictSerializer
from core.api.generics import ApiView, CreateView, DetailView, ListView, UpdateView
from core.api.pagination import Sort


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
    create_service = services.create_service_account


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
    update_service = services.update_service_account
    services_take_now = True

    def get_object(self, account_id: uuid.UUID) -> User:
        return self.account


class ServiceAccountKeysView(ServiceAccountLookup, ApiKeysView):
    """API keys of a service account."""

    operation_ids = {"get": "list_service_account_keys", "post": "create_service_account_key"}

    def get_owner(self, account_id: uuid.UUID) -> User:
        return self.account
