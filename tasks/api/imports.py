"""The door for files of other programs."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import Invalid
from gateway import query
from gateway.views import ApiView
from tasks import selectors, services
from tasks.importers.base import MAX_BYTES
from tasks.importers.sources import SOURCES, read_plan

SHOWN_LOSSES = 1000


class ImportFields(query.Query):
    source = serializers.ChoiceField(choices=list(SOURCES), help_text="The program that wrote the file.")
    dry_run = query.Flag(required=False, help_text="`true` only says what would happen.")


class ImportForm(ImportFields):
    """The file, what wrote it, and whether to look or to do."""

    file = serializers.FileField(help_text="Todoist: a project exported as CSV, at most 10 MB and 50,000 rows.")


class LossOut(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="As a spreadsheet counts; the header is row 1.")
    what = serializers.CharField()
    why = serializers.CharField()


class ImportOut(serializers.Serializer[Any]):
    """What the import did, or with `dry_run` would do."""

    source = serializers.CharField()
    dry_run = serializers.BooleanField()
    created = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="Tasks that an earlier import of such a file created.")
    comments = serializers.IntegerField()
    loss_count = serializers.SerializerMethodField()
    losses = serializers.SerializerMethodField(help_text=f"The first {SHOWN_LOSSES:,}.")

    def get_loss_count(self, report: services.ImportReport) -> int:
        return len(report.losses)

    @extend_schema_field(LossOut(many=True))
    def get_losses(self, report: services.ImportReport) -> Any:
        return LossOut(report.losses[:SHOWN_LOSSES], many=True).data


class ImportsView(ApiView):
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="import_tasks", request=ImportForm, responses=ImportOut)
    def post(self, request: Request, ref: str) -> Response:
        project = selectors.get_project(request.user, ref)
        data = _file(request)
        sent = query.parse(ImportFields, request.POST)
        plan = read_plan(sent["source"], data, now=timezone.now(), time_zone=request.user.time_zone)
        report = services.import_tasks(
            project_id=project.pk, actor=request.user, plan=plan, dry_run=sent.get("dry_run", False)
        )
        return Response(ImportOut(report).data)


def _file(request: Request) -> bytes:
    files = request.FILES
    if unknown := sorted(set(files) - {"file"}):
        raise Invalid.field(unknown[0], "This file is not expected here.", "unknown")
    found = files.getlist("file")
    if len(found) != 1 or not isinstance(found[0], UploadedFile):
        raise Invalid.field("file", "Send one file.", "required")
    return bytes(found[0].read(MAX_BYTES + 1))
