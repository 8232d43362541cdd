"""What happened to one's own account; for administrators also to everybody else's."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth.security_log import selectors
from core.api import query_params
from core.api.fields import StrictUUIDField
from core.api.pagination import PageQuerySerializer, PageRequest
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response


class LogUserOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class SecurityLogEntryOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField(help_text="The fact's own name, like session.opened.")
    title = serializers.CharField()
    detail = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    user = LogUserOut(help_text="Whose account it is; an id of zeros for one that nobody has.")
    actor = LogUserOut(allow_null=True, help_text="Who did it; nothing for a stranger and for the service itself.")
    address = serializers.CharField()
    device = serializers.CharField()
    is_suspicious = serializers.BooleanField()


class SecurityLogQuery(PageQuerySerializer):
    user = StrictUUIDField(required=False, help_text="For administrators: somebody else's.")
    everybody = query_params.BooleanQueryField(
        required=False, help_text="For administrators: everybody's, and failures at unknown addresses."
    )


class SecurityLogView(ApiView):
    api_key_scope = None

    @extend_schema(
        operation_id="list_security_log", parameters=[SecurityLogQuery], responses=page_serializer(SecurityLogEntryOut)
    )
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(SecurityLogQuery, request.query_params)
        whose = None if wanted.get("everybody") else wanted.get("user", request.user.pk)
        window = PageRequest.of(wanted, sorts=selectors.SORTS, default="-id", owner=str(request.user.pk))
        piece = selectors.list_entries(request.user, whose, window)
        return list_response(request, piece, SecurityLogEntryOut, wanted.get("fields"))
