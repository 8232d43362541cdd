"""Accounts of programs, for administrators."""

from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api.keys import API_KEY_PAGE, ApiKeyInput, ApiKeyQuery, MintedKeyOut, list_keys, mint_key
from accounts.models import User
from accounts.services.service_accounts import ROLES
from gateway import query
from gateway.fields import Boolean, Choice, Input, Line
from gateway.pagination import PageQuery, Sort, Window, take
from gateway.preconditions import if_match
from gateway.schema import page_of
from gateway.views import ApiView, listing, one, parse


class ServiceAccountInput(Input):
    name = Line(max_length=120)
    role = Choice(choices=ROLES, required=False, help_text="What it may do everywhere; a program is no administrator.")


class ServiceAccountPatch(Input):
    name = Line(max_length=120, required=False)
    role = Choice(choices=ROLES, required=False)
    tier = Choice(choices=User.Tier.choices, required=False, help_text="How much each of its keys may ask for.")
    is_active = Boolean(required=False, help_text="One that is deactivated loses its keys.")


class ServiceAccountOut(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "name", "handle", "role", "tier", "is_active", "version", "created_at"]


class ServiceAccountsView(ApiView):
    @extend_schema(operation_id="list_service_accounts", parameters=[PageQuery], responses=page_of(ServiceAccountOut))
    def get(self, request: Request) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        window = Window.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        piece = take(selectors.service_accounts(request.user), window)
        return listing(request, piece, ServiceAccountOut, wanted.get("fields"))

    @extend_schema(
        operation_id="create_service_account", request=ServiceAccountInput, responses={201: ServiceAccountOut}
    )
    def post(self, request: Request) -> Response:
        account = services.create_service_account(actor=request.user, **parse(ServiceAccountInput, request))
        return one(account, ServiceAccountOut, status=201, location=f"/api/v1/service-accounts/{account.pk}/")


class ServiceAccountView(ApiView):
    @extend_schema(operation_id="get_service_account", responses=ServiceAccountOut)
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_service_account(request.user, account_id), ServiceAccountOut)

    @extend_schema(operation_id="update_service_account", request=ServiceAccountPatch, responses=ServiceAccountOut)
    def patch(self, request: Request, account_id: uuid.UUID) -> Response:
        selectors.get_service_account(request.user, account_id)
        changes = parse(ServiceAccountPatch, request, partial=True)
        account = services.update_service_account(
            actor=request.user,
            account_id=account_id,
            changes=changes,
            now=timezone.now(),
            versions=if_match(request._request),
        )
        return one(account, ServiceAccountOut)


class ServiceAccountKeysView(ApiView):
    answers_with_a_secret = True

    @extend_schema(operation_id="list_service_account_keys", parameters=[ApiKeyQuery], responses=API_KEY_PAGE)
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        wanted = query.parse(ApiKeyQuery, request.query_params)
        return list_keys(request, selectors.get_service_account(request.user, account_id), wanted)

    @extend_schema(operation_id="create_service_account_key", request=ApiKeyInput, responses={201: MintedKeyOut})
    def post(self, request: Request, account_id: uuid.UUID) -> Response:
        return mint_key(request, selectors.get_service_account(request.user, account_id))
