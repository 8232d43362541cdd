"""Oneself and the directory."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth.sessions import cache
from accounts.models import User
from accounts.users import selectors, services
from accounts.users.serializers import MeOut, ProfilePatch, UserOut, UserQuery
from core.api import query_params
from core.api.endpoints import no_projects
from core.api.pagination import PageRequest, Sort, paginate
from core.api.preconditions import object_etag, parse_if_match
from core.api.renderers import dumps
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body


class MeView(ApiView):
    cacheable = True
    mfa_exempt = {"GET"}
    api_key_scope = {"GET": "me:read", "PATCH": None}
    project_from = no_projects

    @extend_schema(operation_id="get_me", responses=MeOut)
    def get(self, request: Request) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        profile = cache.get_or_build_profile(request.user.pk, build=lambda: _profile(request.user))
        return Response(profile, headers={"ETag": object_etag(profile["version"], dumps(profile))})

    @extend_schema(operation_id="update_me", request=ProfilePatch, responses=MeOut)
    def patch(self, request: Request) -> Response:
        changes = parse_body(ProfilePatch, request, partial=True)
        user = services.update_profile(actor=request.user, changes=changes, versions=parse_if_match(request._request))
        return object_response(user, MeOut)


def _profile(user: User) -> dict[str, Any]:
    return dict(MeOut(user).data)


class UsersView(ApiView):
    api_key_scope = {"GET": "users:read"}
    project_from = no_projects

    @extend_schema(operation_id="list_users", parameters=[UserQuery], responses=page_serializer(UserOut))
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(UserQuery, request.query_params)
        window = PageRequest.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        return list_response(
            request,
            paginate(selectors.list_active_users(wanted.get("search", "")), window),
            UserOut,
            wanted.get("fields"),
        )


class UserView(ApiView):
    api_key_scope = {"GET": "users:read"}
    project_from = no_projects

    @extend_schema(operation_id="get_user", responses=UserOut)
    def get(self, request: Request, user_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return Response(UserOut(selectors.get_user(user_id)).data)
