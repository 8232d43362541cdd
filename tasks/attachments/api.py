from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from core.api.endpoints import BodyLimit
from core.api.generics import ApiView, DeleteView, DetailView, ListView
from core.api.query_params import QuerySerializer, parse_query
from core.uploads import get_single_upload
from tasks.attachments import selectors, services
from tasks.attachments.responses import content_response, thumbnail_response
from tasks.attachments.serializers import AttachmentOut, AttachmentUpload
from tasks.items import selectors as items_selectors
from tasks.models import Attachment
from tasks.project_scope import project_of_task_in_path


class AnyRenderer(BaseRenderer):
    """Accept any type: a download has the type of its file, whatever the client would like best."""

    media_type = "*/*"
    format = "file"

    def render(self, data: Any, *_arguments: Any, **_options: Any) -> Any:
        return data


class AttachmentsView(ListView):
    """The files of a task. A new one is sent as the field `file` of a form."""

    operation_ids = {"get": "list_attachments"}
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "POST": "tasks:write"}
    project_from = project_of_task_in_path
    max_body_size = BodyLimit.ATTACHMENT
    parser_classes = [MultiPartParser]
    serializer_class = AttachmentOut
    parent_selector = items_selectors.get_task
    list_selector = selectors.list_attachments

    @extend_schema(operation_id="create_attachment", request=AttachmentUpload, responses={201: AttachmentOut})
    def post(self, request: Request, ref: str) -> HttpResponse:
        upload = get_single_upload(request.FILES)
        parse_query(QuerySerializer, request.POST)  # no other field is expected
        attachment = services.add(actor=self.user, ref=ref, upload=upload, now=self.now)
        return self.object_response(attachment, status=201, location=f"{request.path}{attachment.pk}/")


class AttachmentView(DetailView, DeleteView):
    """A file of a task: name, size, type and state."""

    operation_ids = {"get": "get_attachment", "delete": "delete_attachment"}
    has_undo = True
    api_key_scope = {"GET": "tasks:read", "DELETE": "tasks:delete"}
    project_from = project_of_task_in_path
    serializer_class = AttachmentOut
    parent_selector = items_selectors.get_task
    object_selector = selectors.get_attachment
    delete_service = services.delete
    services_take_now = True


class FileView(ApiView):
    """Base of views that answer with a file of an attachment."""

    api_key_scope = {"GET": "tasks:read"}
    project_from = project_of_task_in_path
    http_method_names = ["get", "head"]
    renderer_classes = [AnyRenderer]
    long_running = True

    def get_attachment(self, ref: str, attachment_id: uuid.UUID) -> Attachment:
        parse_query(self.query_serializer_class, self.request.query_params)
        return selectors.get_attachment(items_selectors.get_task(self.user, ref), attachment_id)


class AttachmentContentView(FileView):
    """The file itself, as a download. Ranges and ETags are supported."""

    @extend_schema(
        operation_id="download_attachment", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, ref: str, attachment_id: uuid.UUID) -> HttpResponseBase:
        return content_response(request._request, self.get_attachment(ref, attachment_id))


class AttachmentThumbnailView(FileView):
    """The thumbnail of an image: WebP, at most 512 pixels on each side."""

    @extend_schema(operation_id="get_attachment_thumbnail", responses={(200, "image/webp"): OpenApiTypes.BINARY})
    def get(self, request: Request, ref: str, attachment_id: uuid.UUID) -> HttpResponseBase:
        return thumbnail_response(self.get_attachment(ref, attachment_id))
