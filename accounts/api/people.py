"""Oneself and the directory."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import cache, selectors, services
from accounts.api.serializers import MeOut, PeopleQuery, PersonOut, ProfilePatch
from accounts.models import User
from gateway import query
from gateway.pagination import Sort, Window, take
from gateway.preconditions import if_match, tag
from gateway.renderers import dumps
from gateway.schema import page_of
from gateway.views import ApiView, listing, one, parse


class MeView(ApiView):
    @extend_schema(operation_id="get_me", responses=MeOut)
    def get(self, request: Request) -> Response:
        query.parse(query.Query, request.query_params)
        profile = cache.profile(request.user.pk, build=lambda: _profile(request.user))
        return Response(profile, headers={"ETag": tag(profile["version"], dumps(profile))})

    @extend_schema(operation_id="update_me", request=ProfilePatch, responses=MeOut)
    def patch(self, request: Request) -> Response:
        changes = parse(ProfilePatch, request, partial=True)
        person = services.update_profile(actor=request.user, changes=changes, versions=if_match(request._request))
        return one(person, MeOut)


def _profile(person: User) -> dict[str, Any]:
    return dict(MeOut(person).data)


class UsersView(ApiView):
    @extend_schema(operation_id="list_users", parameters=[PeopleQuery], responses=page_of(PersonOut))
    def get(self, request: Request) -> Response:
        wanted = query.parse(PeopleQuery, request.query_params)
        window = Window.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        return listing(
            request, take(selectors.directory(wanted.get("search", "")), window), PersonOut, wanted.get("fields")
        )


class UserView(ApiView):
    @extend_schema(operation_id="get_user", responses=PersonOut)
    def get(self, request: Request, user_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return Response(PersonOut(selectors.get_user(user_id)).data)
