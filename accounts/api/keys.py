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

from accounts import selectors, services
from accounts.models import ApiKey, User
from accounts.scopes import SCOPES
from gateway import query
from gateway.fields import Choice, Input, Instant, Integer, Line, Text
from gateway.pagination import PageQuery, Sort, Window, take
from gateway.preconditions import if_match, tag
from gateway.renderers import dumps
from gateway.schema import page_of
from gateway.views import ApiView, listing, one, parse

OVERLAP_HOURS = int(services.LONGEST_OVERLAP.total_seconds() // 3600)
USUAL_HOURS = int(services.USUAL_OVERLAP.total_seconds() // 3600)


class ApiKeyInput(Input):
    name = Line(max_length=80)
    scopes = serializers.ListField(child=Choice(choices=SCOPES), min_length=1, max_length=len(SCOPES))
    projects = serializers.ListField(
        child=Text(max_length=40),
        required=False,
        max_length=20,
        help_text="Ids or keys. With any, the key reaches these projects alone, and requests have to name one of them.",
    )
    addresses = serializers.ListField(
        child=Text(max_length=43),
        required=False,
        max_length=20,
        help_text="Addresses or networks that the key may be used from; of IPv6 the /64 counts.",
    )
    expires_at = Instant(required=False, help_text="At most 366 days from now; without it 90 days.")


class RotateInput(Input):
    overlap_hours = Integer(
        required=False,
        min_value=0,
        max_value=OVERLAP_HOURS,
        help_text=f"How long the old key goes on; {USUAL_HOURS} without it.",
    )


class ApiKeyQuery(PageQuery):
    active = query.Flag(required=False, help_text="Only keys that open something now, or only the others.")


class ApiKeyOut(serializers.ModelSerializer[ApiKey]):
    prefix = serializers.CharField(source="shown", help_text="How the key begins; the rest is shown once.")

    class Meta:
        model = ApiKey
        fields = [
            "id",
            "owner",
            "name",
            "prefix",
            "scopes",
            "projects",
            "addresses",
            "replaces",
            "version",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
            "last_used_address",
        ]


class MintedKeyOut(ApiKeyOut):
    key = serializers.CharField(help_text="The key itself. It is not kept, so this is the only time to see it.")

    class Meta(ApiKeyOut.Meta):
        fields = [*ApiKeyOut.Meta.fields, "key"]


API_KEY_PAGE = page_of(ApiKeyOut)


class ApiKeysView(ApiView):
    answers_with_a_secret = True

    @extend_schema(operation_id="list_api_keys", parameters=[ApiKeyQuery], responses=API_KEY_PAGE)
    def get(self, request: Request) -> Response:
        return list_keys(request, request.user, query.parse(ApiKeyQuery, request.query_params))

    @extend_schema(operation_id="create_api_key", request=ApiKeyInput, responses={201: MintedKeyOut})
    def post(self, request: Request) -> Response:
        return mint_key(request, request.user)


class ApiKeyView(ApiView):
    @extend_schema(operation_id="get_api_key", responses=ApiKeyOut)
    def get(self, request: Request, key_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_api_key(request.user, key_id), ApiKeyOut)

    @extend_schema(operation_id="revoke_api_key", responses={204: None})
    def delete(self, request: Request, key_id: uuid.UUID) -> Response:
        versions = if_match(request._request)
        services.revoke_key(actor=request.user, key_id=key_id, now=timezone.now(), versions=versions)
        return Response(status=204)


class RotateView(ApiView):
    answers_with_a_secret = True

    @extend_schema(operation_id="rotate_api_key", request=RotateInput, responses={201: MintedKeyOut})
    def post(self, request: Request, key_id: uuid.UUID) -> Response:
        hours = parse(RotateInput, request).get("overlap_hours", USUAL_HOURS)
        minted = services.rotate_key(
            actor=request.user,
            key_id=key_id,
            now=timezone.now(),
            overlap=timedelta(hours=hours),
            versions=if_match(request._request),
        )
        return _shown_once(minted)


def list_keys(request: Request, owner: User, wanted: dict[str, Any]) -> Response:
    rows = selectors.api_keys(owner)
    if "active" in wanted:
        rows = selectors.api_keys_by_state(owner, active=wanted["active"], now=timezone.now())
    window = Window.of(wanted, sorts={"id": Sort("id")}, default="-id", owner=f"{request.user.pk}:{owner.pk}")
    return listing(request, take(rows, window), ApiKeyOut, wanted.get("fields"))


def mint_key(request: Request, owner: User) -> Response:
    draft = services.KeyDraft(**parse(ApiKeyInput, request))
    return _shown_once(services.create_key(actor=request.user, owner=owner, draft=draft, now=timezone.now()))


def _shown_once(minted: services.Minted) -> Response:
    data: dict[str, Any] = ApiKeyOut(minted.key).data
    headers = {
        "ETag": tag(minted.key.version, dumps(data)),
        "Location": f"/api/v1/api-keys/{minted.key.pk}/",
        "Cache-Control": "no-store",
    }
    return Response({**data, "key": minted.text}, status=201, headers=headers)
