"""What happened to one's own account; for administrators also to everybody else's."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from gateway import query
from gateway.fields import Uuid
from gateway.pagination import PageQuery, Window
from gateway.schema import page_of
from gateway.views import ApiView, listing


class WhoOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class HappeningOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField(help_text="The fact's own name, like session.opened.")
    title = serializers.CharField()
    detail = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    user = WhoOut(help_text="Whose account it is; an id of zeros for one that nobody has.")
    actor = WhoOut(allow_null=True, help_text="Who did it; nothing for a stranger and for the service itself.")
    address = serializers.CharField()
    device = serializers.CharField()
    is_alarming = serializers.BooleanField()


class SecurityLogQuery(PageQuery):
    user = Uuid(required=False, help_text="For administrators: somebody else's.")
    everybody = query.Flag(
        required=False, help_text="For administrators: everybody's, and failures at unknown addresses."
    )


class SecurityLogView(ApiView):
    @extend_schema(operation_id="list_security_log", parameters=[SecurityLogQuery], responses=page_of(HappeningOut))
    def get(self, request: Request) -> Response:
        wanted = query.parse(SecurityLogQuery, request.query_params)
        whose = None if wanted.get("everybody") else wanted.get("user", request.user.pk)
        window = Window.of(wanted, sorts=selectors.LOG_SORTS, default="-id", owner=str(request.user.pk))
        piece = selectors.security_log(request.user, whose, window)
        return listing(request, piece, HappeningOut, wanted.get("fields"))
