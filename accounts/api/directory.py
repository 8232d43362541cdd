"""The directory of staff: everybody, also who is not active, with what administrators decide about them."""

from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.models import User
from accounts.selectors import STATES
from gateway import query
from gateway.fields import Boolean, Choice, Input
from gateway.pagination import PageQuery, Sort, Window, take
from gateway.preconditions import if_match
from gateway.schema import page_of
from gateway.views import ApiView, listing, one, parse


class DirectoryQuery(PageQuery):
    search = serializers.CharField(required=False, max_length=100)
    state = serializers.ChoiceField(choices=STATES, required=False, help_text="Without it, everybody who is active.")


class DirectoryPatch(Input):
    role = Choice(choices=User.Role.choices, required=False)
    is_active = Boolean(required=False, help_text="False signs the person out everywhere at once.")


class DirectoryPersonOut(serializers.ModelSerializer[User]):
    last_seen_at = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = User
        fields = [
            "id", "name", "handle", "email", "role", "is_active", "time_zone", "created_at", "last_seen_at", "version",
        ]  # fmt: skip


class DirectoryView(ApiView):
    @extend_schema(operation_id="list_directory", parameters=[DirectoryQuery], responses=page_of(DirectoryPersonOut))
    def get(self, request: Request) -> Response:
        wanted = query.parse(DirectoryQuery, request.query_params)
        found = selectors.people(request.user, words=wanted.get("search", ""), state=wanted.get("state", "active"))
        window = Window.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        return listing(request, take(found, window), DirectoryPersonOut, wanted.get("fields"))


class DirectoryPersonView(ApiView):
    @extend_schema(operation_id="get_directory_person", responses=DirectoryPersonOut)
    def get(self, request: Request, user_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_person(request.user, user_id), DirectoryPersonOut)

    @extend_schema(operation_id="update_directory_person", request=DirectoryPatch, responses=DirectoryPersonOut)
    def patch(self, request: Request, user_id: uuid.UUID) -> Response:
        changes = parse(DirectoryPatch, request, partial=True)
        versions, now = if_match(request._request), timezone.now()
        selectors.get_person(request.user, user_id)
        services.update_person(actor=request.user, person_id=user_id, changes=changes, now=now, versions=versions)
        return one(selectors.get_person(request.user, user_id), DirectoryPersonOut)
