"""Pictures of people."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Avatar
from accounts.users import selectors, services
from accounts.users.image_processing import MAX_BYTES
from accounts.users.responses import avatar_response
from accounts.users.serializers import MeOut
from core.api import query_params
from core.api.endpoints import BodyLimit
from core.api.preconditions import parse_if_match
from core.api.views import ApiView, object_response
from core.errors import Invalid
from core.rate_limits import consume


class WebpRenderer(BaseRenderer):
    """Lets a caller ask for the picture by its type; the view answers with its bytes itself."""

    media_type = "image/webp"
    format = "webp"


class AvatarInput(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="A JPEG, PNG or WebP of at most 5 MB and 16 megapixels; it is drawn anew.")


class AvatarQuery(query_params.QuerySerializer):
    size = serializers.ChoiceField(choices=list(Avatar.SIZES), required=False, help_text="Edge in pixels.")


class MyAvatarView(ApiView):
    max_body_size = BodyLimit.UPLOAD
    api_key_scope = None
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="set_my_avatar", request=AvatarInput, responses=MeOut)
    def post(self, request: Request) -> Response:
        consume(request._request, group="picture", key=str(request.user.pk), rate=settings.AVATAR_RATE)
        return object_response(services.set_avatar(actor=request.user, data=read_upload(request._request)), MeOut)

    @extend_schema(operation_id="remove_my_avatar", responses={204: None})
    def delete(self, request: Request) -> Response:
        services.remove_avatar(actor=request.user, versions=parse_if_match(request._request))
        return Response(status=204)


class AvatarView(ApiView):
    api_key_scope = None
    http_method_names = ["get", "head"]
    renderer_classes = [WebpRenderer]

    @extend_schema(
        operation_id="get_avatar", parameters=[AvatarQuery], responses={(200, "image/webp"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, user_id: uuid.UUID) -> HttpResponse:
        size = query_params.parse_query(AvatarQuery, request.query_params).get("size", Avatar.SIZES[-1])
        digest, data = selectors.get_avatar(user_id, int(size))
        return avatar_response(data, digest, "private, no-cache")


def read_upload(request: HttpRequest) -> bytes:
    """Return the one file of a form, one byte more than allowed at most."""
    if unknown := sorted(set(request.FILES) - {"file"}):
        raise Invalid.field(unknown[0], "This file is not expected here.", "unknown")
    found = request.FILES.getlist("file")
    if len(found) != 1 or not isinstance(found[0], UploadedFile):
        raise Invalid.field("file", "Send one file.", "required")
    return bytes(found[0].read(MAX_BYTES + 1))
