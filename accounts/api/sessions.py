"""The browsers and programs in which one is signed in."""

from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api.serializers import SessionOut
from gateway import query
from gateway.pagination import PageQuery, Sort, Window, take
from gateway.schema import page_of
from gateway.views import ApiView, listing


class SessionsView(ApiView):
    @extend_schema(operation_id="list_sessions", parameters=[PageQuery], responses=page_of(SessionOut))
    def get(self, request: Request) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        window = Window.of(wanted, sorts={"id": Sort("id")}, default="-id", owner=str(request.user.pk))
        piece = take(selectors.sessions_of(request.user, timezone.now()), window)
        current = getattr(request.auth, "pk", None)
        return listing(request, piece, SessionOut, wanted.get("fields"), current=current)


class SessionView(ApiView):
    @extend_schema(operation_id="revoke_session", responses={204: None})
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        services.revoke_session(actor=request.user, session_id=session_id, now=timezone.now())
        return Response(status=204)
