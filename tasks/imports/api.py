"""Endpoint for imports of other programs' files."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import query_params
from core.api.endpoints import BodyLimit
from core.api.generics import ApiView
from core.uploads import read_single_upload
from tasks.imports import services
from tasks.imports.plan import MAX_BYTES, MAX_WARNINGS
from tasks.imports.sources import SOURCES, parse_file
from tasks.project_scope import project_in_path
from tasks.projects import selectors as projects_selectors


class ImportParams(query_params.QuerySerializer):
    """The program that wrote the file, and whether to import or only report."""

    source = serializers.ChoiceField(choices=list(SOURCES), help_text="The program that wrote the file.")
    dry_run = query_params.BooleanQueryField(required=False, help_text="`true` only says what would happen.")


class ImportUpload(ImportParams):
    """An uploaded file, the program that wrote it, and whether to import or only report."""

    file = serializers.FileField(help_text="Todoist: a project exported as CSV, at most 10 MB and 50,000 rows.")


class WarningOut(serializers.Serializer[Any]):
    """An item of the file that cannot be imported as it is."""

    row = serializers.IntegerField(help_text="As a spreadsheet counts; the header is row 1.")
    item = serializers.CharField()
    reason = serializers.CharField()


class ImportOut(serializers.Serializer[Any]):
    """Report of an import, or with `dry_run` of what it would do."""

    source = serializers.CharField()
    dry_run = serializers.BooleanField()
    created = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="Tasks that an earlier import of such a file created.")
    comments = serializers.IntegerField()
    warning_count = serializers.IntegerField()
    warnings = serializers.SerializerMethodField(help_text=f"The first {MAX_WARNINGS:,}.")

    @extend_schema_field(WarningOut(many=True))
    def get_warnings(self, report: services.ImportReport) -> Any:
        return WarningOut(report.warnings, many=True).data


class ImportsView(ApiView):
    """Import a file into a project, all of it or nothing."""

    max_body_size = BodyLimit.UPLOAD
    api_key_scope = {"POST": "projects:write"}
    project_from = project_in_path
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="import_tasks", request=ImportUpload, responses=ImportOut)
    def post(self, request: Request, ref: str) -> Response:
        project = projects_selectors.get_project(self.user, ref)
        data = read_single_upload(request.FILES, max_bytes=MAX_BYTES)
        params = query_params.parse_query(ImportParams, request.POST)
        plan = parse_file(params["source"], data, now=self.now, time_zone=self.user.time_zone)
        report = services.run_import(
            project_id=project.pk, actor=self.user, plan=plan, dry_run=params.get("dry_run", False)
        )
        return Response(ImportOut(report).data)
