"""Endpoint for imports of other programs' files."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import query_params
from core.api.endpoints import BodyLimit
from core.api.generics import ApiView, DetailView
from core.uploads import read_single_upload
from tasks.imports import background, services
from tasks.imports.plan import MAX_BYTES, MAX_WARNINGS
from tasks.imports.sources import SOURCES, parse_file
from tasks.models import ImportJob
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


class ImportJobOut(serializers.Serializer[Any]):
    """Import of a large file by a worker: how far it is, and its report."""

    id = serializers.UUIDField()
    source = serializers.CharField()
    state = serializers.ChoiceField(
        choices=ImportJob.State.choices,
        help_text="`checking` and `importing` run; `checked` ends a dry run, `done` an import, `failed` either.",
    )
    rows_read = serializers.SerializerMethodField(help_text="Rows of the file that the worker has read, roughly.")
    report = serializers.SerializerMethodField(help_text="Null until it has ended, and where it failed.")
    error = serializers.SerializerMethodField(help_text="Why nothing was imported; null unless it failed.")
    created_at = serializers.DateTimeField()

    def get_rows_read(self, job: ImportJob) -> int:
        return background.get_progress(job)

    @extend_schema_field(ImportOut(allow_null=True))
    def get_report(self, job: ImportJob) -> Any:
        return job.report or None

    def get_error(self, job: ImportJob) -> str | None:
        return job.error or None


class ImportsView(ApiView):
    """Import a file into a project, all of it or nothing."""

    max_body_size = BodyLimit.UPLOAD
    api_key_scope = {"POST": "projects:write"}
    project_from = project_in_path
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="import_tasks", request=ImportUpload, responses={200: ImportOut, 202: ImportJobOut})
    def post(self, request: Request, ref: str) -> Response:
        """Import a file and return the report. A file over 512 kB is imported by a worker: 202.

        `Location` is then the address that tells how far it is. Each user has one such import at a time.
        """
        project = projects_selectors.get_project(self.user, ref)
        data = read_single_upload(request.FILES, max_bytes=MAX_BYTES)
        params = query_params.parse_query(ImportParams, request.POST)
        source, dry_run = params["source"], params.get("dry_run", False)
        if len(data) > background.MAX_INLINE_BYTES:
            job = background.request_import(
                actor=self.user, project_id=project.pk, source=source, data=data, dry_run=dry_run, now=self.now
            )
            body, location = ImportJobOut(job).data, f"{request.path}{job.pk}/"
            return Response(body, status=202, headers={"Location": location, "Retry-After": "2"})
        plan = parse_file(source, data, now=self.now, time_zone=self.user.time_zone)
        report = services.run_import(project_id=project.pk, actor=self.user, plan=plan, dry_run=dry_run)
        return Response(ImportOut(report).data)


class ImportView(DetailView):
    """Import of a large file, visible to the user who started it, for a day."""

    operation_ids = {"get": "get_import"}
    api_key_scope = {"GET": "projects:read"}
    project_from = project_in_path
    serializer_class = ImportJobOut
    has_versions = False

    def get_object(self, ref: str, import_id: uuid.UUID) -> ImportJob:
        # One 404, whether the project or the import is not this user's.
        return background.get_job(self.user, import_id, projects_selectors.resolve_project_id(self.user, ref))
