"""The browsers and programs in which one is signed in."""

from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth.sessions import selectors, services
from accounts.auth.sessions.serializers import SessionOut
from core.api import query_params
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response


class SessionsView(ApiView):
    api_key_scope = None

    @extend_schema(
        operation_id="list_sessions", parameters=[PageQuerySerializer], responses=page_serializer(SessionOut)
    )
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        window = PageRequest.of(wanted, sorts={"id": Sort("id")}, default="-id", owner=str(request.user.pk))
        piece = paginate(selectors.list_sessions(request.user, timezone.now()), window)
        current = getattr(request.auth, "pk", None)
        return list_response(request, piece, SessionOut, wanted.get("fields"), current=current)


class SessionView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="revoke_session", responses={204: None})
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        services.revoke_session(actor=request.user, session_id=session_id, now=timezone.now())
        return Response(status=204)
