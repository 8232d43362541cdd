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

from accounts import selectors, services
from accounts.api.serializers import MeOut
from accounts.downloads import picture
from accounts.models import Avatar
from accounts.pictures import MAX_BYTES
from core.errors import Invalid
from gateway import query
from gateway.limits import spend
from gateway.preconditions import if_match
from gateway.views import ApiView, one


class WebpRenderer(BaseRenderer):
    """Lets a caller ask for the picture by its type; the view answers with its bytes itself."""

    media_type = "image/webp"
    format = "webp"


class AvatarForm(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="A JPEG, PNG or WebP of at most 5 MB and 16 megapixels; it is drawn anew.")


class AvatarQuery(query.Query):
    size = serializers.ChoiceField(choices=list(Avatar.SIZES), required=False, help_text="Edge in pixels.")


class MyAvatarView(ApiView):
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="set_my_avatar", request=AvatarForm, responses=MeOut)
    def post(self, request: Request) -> Response:
        spend(request._request, group="picture", key=str(request.user.pk), rate=settings.PICTURE_RATE)
        return one(services.set_avatar(actor=request.user, data=uploaded(request._request)), MeOut)

    @extend_schema(operation_id="remove_my_avatar", responses={204: None})
    def delete(self, request: Request) -> Response:
        services.remove_avatar(actor=request.user, versions=if_match(request._request))
        return Response(status=204)


class AvatarView(ApiView):
    http_method_names = ["get", "head"]
    renderer_classes = [WebpRenderer]

    @extend_schema(
        operation_id="get_avatar", parameters=[AvatarQuery], responses={(200, "image/webp"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, user_id: uuid.UUID) -> HttpResponse:
        size = query.parse(AvatarQuery, request.query_params).get("size", Avatar.SIZES[-1])
        digest, data = selectors.get_picture(user_id, int(size))
        return picture(data, digest, "private, no-cache")


def uploaded(request: HttpRequest) -> bytes:
    """Return the one file of a form, one byte more than allowed at most."""
    if unknown := sorted(set(request.FILES) - {"file"}):
        raise Invalid.field(unknown[0], "This file is not expected here.", "unknown")
    found = request.FILES.getlist("file")
    if len(found) != 1 or not isinstance(found[0], UploadedFile):
        raise Invalid.field("file", "Send one file.", "required")
    return bytes(found[0].read(MAX_BYTES + 1))
