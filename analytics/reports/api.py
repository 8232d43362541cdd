"""API of the reports: the library, one report as JSON, and as a file."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from analytics.reports import selectors
from analytics.reports.exports import FILE_TYPES, XLSX_TYPE, file_response
from analytics.reports.results import DEFAULT_RANGE, MAX_PEOPLE, MAX_REMAINING, RANGES, ReportQuery
from core.api.endpoints import no_projects
from core.api.fields import StrictUUIDField
from core.api.generics import ApiView, DetailView
from core.api.query_params import IntegerQueryField, QuerySerializer
from core.errors import Invalid
from tasks.project_scope import project_in_query


class ReportParams(QuerySerializer):
    """Filter bar of a report. The last three are inputs of single reports; elsewhere they are refused."""

    project = serializers.CharField(required=False, max_length=40, help_text="Id or key of one project.")
    range = serializers.ChoiceField(
        choices=list(RANGES), default=DEFAULT_RANGE, help_text="Days up to today, in the caller's time zone."
    )
    filter = StrictUUIDField(
        required=False, help_text="Of `burndown`: only tasks that this saved filter matches today."
    )
    remaining = IntegerQueryField(
        required=False, min_value=0, max_value=MAX_REMAINING, help_text="Of `forecast`: as if so many tasks remained."
    )
    people = IntegerQueryField(
        required=False, min_value=1, max_value=MAX_PEOPLE, help_text="Of `forecast`: as if so many people worked."
    )


class ReportFileParams(ReportParams):
    file_type = serializers.ChoiceField(choices=list(FILE_TYPES), default="csv", help_text="CSV is UTF-8 (RFC 4180).")


class ReportDefinitionOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    question = serializers.CharField(help_text="The question that the report answers.")
    definition = serializers.CharField(help_text="What is counted, and how.")
    inputs = serializers.ListField(child=serializers.CharField(), help_text="Parameters beside `project` and `range`.")


class LibraryOut(serializers.Serializer[Any]):
    reports = ReportDefinitionOut(many=True)


class ReportColumnOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()
    kind = serializers.ChoiceField(choices=["text", "task", "day", "count", "hours", "minutes"])


class ReportFigureOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()
    value = serializers.JSONField(allow_null=True, help_text="A number or a day; null without data.")
    text = serializers.CharField(help_text="As the page shows it.")


class ReportOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    definition = serializers.CharField()
    start = serializers.DateField(help_text="First day, in the caller's time zone.")
    end = serializers.DateField(help_text="Today, in the caller's time zone.")
    finding = serializers.CharField(help_text="The result in a sentence.")
    figures = ReportFigureOut(many=True)
    columns = ReportColumnOut(many=True)
    rows = serializers.ListField(
        child=serializers.ListField(child=serializers.JSONField(allow_null=True)),
        help_text="Texts, numbers and days in the order of `columns`; at most 500 rows.",
    )
    row_count = serializers.IntegerField(help_text="Number of all rows; the files have up to 50,000.")


class ReportLibraryView(DetailView):
    """Reports and their definitions."""

    api_key_scope = {"GET": "analytics:read"}
    operation_ids = {"get": "get_report_library"}
    project_from = no_projects
    query_serializer_class = QuerySerializer
    serializer_class = LibraryOut
    has_versions = False

    def get_object(self) -> dict[str, Any]:
        return {"reports": selectors.LIBRARY}


class ReportView(DetailView):
    """One report over all visible projects, or one of them."""

    api_key_scope = {"GET": "analytics:read"}
    operation_ids = {"get": "get_report"}
    project_from = project_in_query
    query_serializer_class = ReportParams
    serializer_class = ReportOut
    has_versions = False

    def get_object(self, report_name: str) -> dict[str, Any]:
        definition = selectors.get_definition(report_name)
        query = read_query(self, definition)
        report = definition.build(query)
        return {
            "name": report_name,
            "title": definition.title,
            "definition": definition.definition,
            "start": query.period.start,
            "end": query.period.today,
            "finding": report.finding,
            "figures": report.figures,
            "columns": report.columns,
            "rows": report.rows,
            "row_count": report.total_rows,
        }


class ReportFileView(ApiView):
    """One report as a CSV or XLSX file, with all its rows."""

    api_key_scope = {"GET": "analytics:read"}
    project_from = project_in_query
    query_serializer_class = ReportFileParams
    long_running = True

    @extend_schema(
        operation_id="get_report_file",
        parameters=[ReportFileParams],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, XLSX_TYPE): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, report_name: str) -> HttpResponse:
        definition = selectors.get_definition(report_name)
        query = read_query(self, definition)
        return file_response(
            definition.build(query),
            name=report_name,
            title=definition.title,
            day=query.period.today,
            file_type=self.params["file_type"],
        )


def read_query(view: ApiView, definition: selectors.ReportDefinition) -> ReportQuery:
    """Return the validated input; raises Invalid for the input of another report."""
    params = {name: value for name, value in view.params.items() if name != "file_type"}
    for name in sorted({"filter", "remaining", "people"} & params.keys() - set(definition.inputs)):
        raise Invalid.field(name, f"The report {definition.name} has no such input.", "unknown")
    return selectors.report_query(view.user, now=view.now, **params)
