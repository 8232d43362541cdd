"""The directory of staff: everybody, also who is not active, with what administrators decide about them."""

from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.users import administration, selectors
from accounts.users.selectors import USER_STATES
from core.api import query_params
from core.api.fields import StrictBooleanField, StrictChoiceField, StrictSerializer
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body


class DirectoryQuery(PageQuerySerializer):
    search = serializers.CharField(required=False, max_length=100)
    state = serializers.ChoiceField(
        choices=USER_STATES, required=False, help_text="Without it, everybody who is active."
    )


class DirectoryPatch(StrictSerializer):
    role = StrictChoiceField(choices=User.Role.choices, required=False)
    is_active = StrictBooleanField(required=False, help_text="False signs the person out everywhere at once.")


class DirectoryUserOut(serializers.ModelSerializer[User]):
    last_seen_at = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = User
        fields = [
            "id", "name", "handle", "email", "role", "is_active", "time_zone", "created_at", "last_seen_at", "version",
        ]  # fmt: skip


class DirectoryView(ApiView):
    api_key_scope = None

    @extend_schema(
        operation_id="list_directory", parameters=[DirectoryQuery], responses=page_serializer(DirectoryUserOut)
    )
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(DirectoryQuery, request.query_params)
        found = selectors.list_users(request.user, search=wanted.get("search", ""), state=wanted.get("state", "active"))
        window = PageRequest.of(wanted, sorts={"name": Sort("name")}, default="name", owner=str(request.user.pk))
        return list_response(request, paginate(found, window), DirectoryUserOut, wanted.get("fields"))


class DirectoryUserView(ApiView):
    api_key_scope = None
    requires_recent_login = {"PATCH"}

    @extend_schema(operation_id="get_directory_person", responses=DirectoryUserOut)
    def get(self, request: Request, user_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(selectors.get_user_for_staff(request.user, user_id), DirectoryUserOut)

    @extend_schema(operation_id="update_directory_person", request=DirectoryPatch, responses=DirectoryUserOut)
    def patch(self, request: Request, user_id: uuid.UUID) -> Response:
        changes = parse_body(DirectoryPatch, request, partial=True)
        versions, now = parse_if_match(request._request), timezone.now()
        selectors.get_user_for_staff(request.user, user_id)
        administration.update_user(actor=request.user, user_id=user_id, changes=changes, now=now, versions=versions)
        return object_response(selectors.get_user_for_staff(request.user, user_id), DirectoryUserOut)
