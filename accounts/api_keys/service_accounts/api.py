"""Accounts of programs, for administrators."""

from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_keys.api import API_KEY_PAGE, ApiKeyInput, ApiKeyQuery, CreatedApiKeyOut, create_key, list_keys
from accounts.api_keys.service_accounts import selectors, services
from accounts.api_keys.service_accounts.services import SERVICE_ACCOUNT_ROLES
from accounts.models import User
from core.api import query_params
from core.api.fields import SingleLineField, StrictBooleanField, StrictChoiceField, StrictSerializer
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body


class ServiceAccountInput(StrictSerializer):
    name = SingleLineField(max_length=120)
    role = StrictChoiceField(
        choices=SERVICE_ACCOUNT_ROLES,
        required=False,
        help_text="What it may do everywhere; a program is no administrator.",
    )


class ServiceAccountPatch(StrictSerializer):
    name = SingleLineField(max_length=120, required=False)
    role = StrictChoiceField(choices=SERVICE_ACCOUNT_ROLES, required=False)
    tier = StrictChoiceField(
        choices=User.Tier.choices, required=False, help_text="How much each of its keys may ask for."
    )
    is_active = StrictBooleanField(required=False, help_text="One that is deactivated loses its keys.")


class ServiceAccountOut(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "name", "handle", "role", "tier", "is_active", "version", "created_at"]


class ServiceAccountsView(ApiView):
    api_key_scope = None

    @extend_schema(
        operation_id="list_service_accounts",
        parameters=[PageQuerySerializer],
        responses=page_serializer(ServiceAccountOut),
    )
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        window = PageRequest.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        piece = paginate(selectors.list_service_accounts(request.user), window)
        return list_response(request, piece, ServiceAccountOut, wanted.get("fields"))

    @extend_schema(
        operation_id="create_service_account", request=ServiceAccountInput, responses={201: ServiceAccountOut}
    )
    def post(self, request: Request) -> Response:
        account = services.create_service_account(actor=request.user, **parse_body(ServiceAccountInput, request))
        return object_response(
            account, ServiceAccountOut, status=201, location=f"/api/v1/service-accounts/{account.pk}/"
        )


class ServiceAccountView(ApiView):
    api_key_scope = None
    requires_recent_login = {"PATCH"}

    @extend_schema(operation_id="get_service_account", responses=ServiceAccountOut)
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(selectors.get_service_account(request.user, account_id), ServiceAccountOut)

    @extend_schema(operation_id="update_service_account", request=ServiceAccountPatch, responses=ServiceAccountOut)
    def patch(self, request: Request, account_id: uuid.UUID) -> Response:
        selectors.get_service_account(request.user, account_id)
        changes = parse_body(ServiceAccountPatch, request, partial=True)
        account = services.update_service_account(
            actor=request.user,
            account_id=account_id,
            changes=changes,
            now=timezone.now(),
            versions=parse_if_match(request._request),
        )
        return object_response(account, ServiceAccountOut)


class ServiceAccountKeysView(ApiView):
    api_key_scope = None
    requires_recent_login = {"POST"}
    encrypt_stored_response = True

    @extend_schema(operation_id="list_service_account_keys", parameters=[ApiKeyQuery], responses=API_KEY_PAGE)
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        wanted = query_params.parse_query(ApiKeyQuery, request.query_params)
        return list_keys(request, selectors.get_service_account(request.user, account_id), wanted)

    @extend_schema(operation_id="create_service_account_key", request=ApiKeyInput, responses={201: CreatedApiKeyOut})
    def post(self, request: Request, account_id: uuid.UUID) -> Response:
        return create_key(request, selectors.get_service_account(request.user, account_id))
