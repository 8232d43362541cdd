"""API keys: one's own, and as an administrator those of service accounts."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_keys import selectors, services
from accounts.api_keys.scopes import SCOPES
from accounts.models import ApiKey, User
from core.api import query_params
from core.api.fields import (
    SingleLineField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictSerializer,
)
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import object_etag, parse_if_match
from core.api.renderers import dumps
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body

MAX_OVERLAP_HOURS = int(services.MAX_OVERLAP.total_seconds() // 3600)
DEFAULT_OVERLAP_HOURS = int(services.DEFAULT_OVERLAP.total_seconds() // 3600)


class ApiKeyInput(StrictSerializer):
    name = SingleLineField(max_length=80)
    scopes = serializers.ListField(child=StrictChoiceField(choices=SCOPES), min_length=1, max_length=len(SCOPES))
    projects = serializers.ListField(
        child=StrictCharField(max_length=40),
        required=False,
        max_length=20,
        help_text="Ids or keys. With any, the key reaches these projects alone, and requests have to name one of them.",
    )
    allowed_networks = serializers.ListField(
        child=StrictCharField(max_length=43),
        required=False,
        max_length=20,
        help_text="Addresses or networks that the key may be used from; of IPv6 the /64 counts.",
    )
    expires_at = StrictDateTimeField(required=False, help_text="At most 366 days from now; without it 90 days.")


class RotateInput(StrictSerializer):
    overlap_hours = StrictIntegerField(
        required=False,
        min_value=0,
        max_value=MAX_OVERLAP_HOURS,
        help_text=f"How long the old key goes on; {DEFAULT_OVERLAP_HOURS} without it.",
    )


class ApiKeyQuery(PageQuerySerializer):
    active = query_params.BooleanQueryField(
        required=False, help_text="Only keys that open something now, or only the others."
    )


class ApiKeyOut(serializers.ModelSerializer[ApiKey]):
    prefix = serializers.CharField(source="display_prefix", help_text="How the key begins; the rest is shown once.")

    class Meta:
        model = ApiKey
        fields = [
            "id",
            "owner",
            "name",
            "prefix",
            "scopes",
            "projects",
            "allowed_networks",
            "replaces",
            "version",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
            "last_used_ip",
        ]


class CreatedApiKeyOut(ApiKeyOut):
    key = serializers.CharField(help_text="The key itself. It is not kept, so this is the only time to see it.")

    class Meta(ApiKeyOut.Meta):
        fields = [*ApiKeyOut.Meta.fields, "key"]


API_KEY_PAGE = page_serializer(ApiKeyOut)


class ApiKeysView(ApiView):
    api_key_scope = None
    requires_recent_login = {"POST"}
    encrypt_stored_response = True

    @extend_schema(operation_id="list_api_keys", parameters=[ApiKeyQuery], responses=API_KEY_PAGE)
    def get(self, request: Request) -> Response:
        return list_keys(request, request.user, query_params.parse_query(ApiKeyQuery, request.query_params))

    @extend_schema(operation_id="create_api_key", request=ApiKeyInput, responses={201: CreatedApiKeyOut})
    def post(self, request: Request) -> Response:
        return create_key(request, request.user)


class ApiKeyView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="get_api_key", responses=ApiKeyOut)
    def get(self, request: Request, key_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(selectors.get_api_key(request.user, key_id), ApiKeyOut)

    @extend_schema(operation_id="revoke_api_key", responses={204: None})
    def delete(self, request: Request, key_id: uuid.UUID) -> Response:
        versions = parse_if_match(request._request)
        services.revoke_key(actor=request.user, key_id=key_id, now=timezone.now(), versions=versions)
        return Response(status=204)


class RotateApiKeyView(ApiView):
    api_key_scope = None
    requires_recent_login = {"POST"}
    encrypt_stored_response = True

    @extend_schema(operation_id="rotate_api_key", request=RotateInput, responses={201: CreatedApiKeyOut})
    def post(self, request: Request, key_id: uuid.UUID) -> Response:
        hours = parse_body(RotateInput, request).get("overlap_hours", DEFAULT_OVERLAP_HOURS)
        minted = services.rotate_key(
            actor=request.user,
            key_id=key_id,
            now=timezone.now(),
            overlap=timedelta(hours=hours),
            versions=parse_if_match(request._request),
        )
        return _created_response(minted)


def list_keys(request: Request, owner: User, wanted: dict[str, Any]) -> Response:
    rows = selectors.list_api_keys(owner)
    if "active" in wanted:
        rows = selectors.list_by_state(owner, active=wanted["active"], now=timezone.now())
    window = PageRequest.of(wanted, sorts={"id": Sort("id")}, default="-id", owner=f"{request.user.pk}:{owner.pk}")
    return list_response(request, paginate(rows, window), ApiKeyOut, wanted.get("fields"))


def create_key(request: Request, owner: User) -> Response:
    spec = services.KeySpec(**parse_body(ApiKeyInput, request))
    return _created_response(services.create_key(actor=request.user, owner=owner, spec=spec, now=timezone.now()))


def _created_response(minted: services.CreatedKey) -> Response:
    data: dict[str, Any] = ApiKeyOut(minted.key).data
    headers = {
        "ETag": object_etag(minted.key.version, dumps(data)),
        "Location": f"/api/v1/api-keys/{minted.key.pk}/",
        "Cache-Control": "no-store",
    }
    return Response({**data, "key": minted.text}, status=201, headers=headers)
