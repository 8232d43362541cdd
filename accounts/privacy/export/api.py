"""Taking one's data along."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Export
from accounts.privacy.export import selectors, services
from accounts.privacy.export.responses import export_response
from core.api import query_params
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response
from core.rate_limits import consume


class ZipRenderer(BaseRenderer):
    """Lets a caller ask for the archive by its type; the view answers with its pieces itself."""

    media_type = "application/zip"
    format = "zip"


class ExportOut(serializers.ModelSerializer[Export]):
    class Meta:
        model = Export
        fields = ["id", "state", "size", "created_at", "ready_at", "expires_at", "version"]


class ExportsView(ApiView):
    api_key_scope = None
    requires_recent_login = {"POST"}

    @extend_schema(
        operation_id="list_my_exports", parameters=[PageQuerySerializer], responses=page_serializer(ExportOut)
    )
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        window = PageRequest.of(wanted, sorts={"id": Sort("id")}, default="-id", owner=str(request.user.pk))
        piece = paginate(selectors.list_exports(request.user, timezone.now()), window)
        return list_response(request, piece, ExportOut, wanted.get("fields"))

    @extend_schema(operation_id="request_my_export", request=None, responses={201: ExportOut})
    def post(self, request: Request) -> Response:
        consume(request._request, group="export", key=str(request.user.pk), rate=settings.EXPORT_RATE)
        export = services.request_export(actor=request.user, now=timezone.now())
        return object_response(export, ExportOut, status=201, location=f"/api/v1/me/exports/{export.pk}/")


class ExportView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="get_my_export", responses=ExportOut)
    def get(self, request: Request, export_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(selectors.get_export(request.user, export_id, timezone.now()), ExportOut)

    @extend_schema(operation_id="delete_my_export", responses={204: None})
    def delete(self, request: Request, export_id: uuid.UUID) -> Response:
        versions = parse_if_match(request._request)
        services.delete_export(actor=request.user, export_id=export_id, now=timezone.now(), versions=versions)
        return Response(status=204)


class ExportArchiveView(ApiView):
    api_key_scope = None
    requires_recent_login = {"GET"}
    long_running = True
    http_method_names = ["get", "head"]
    renderer_classes = [ZipRenderer]

    @extend_schema(operation_id="download_my_export", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, export_id: uuid.UUID) -> StreamingHttpResponse:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return export_response(selectors.get_export(request.user, export_id, timezone.now()))
