"""API of the statistics."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from analytics.overview import selectors
from analytics.overview.results import Period, Scope
from core.api import query_params
from core.api.fields import StrictDateField, StrictDateTimeField, StrictUUIDField
from core.api.query_params import QuerySerializer
from core.api.views import ApiView
from tasks.project_scope import project_in_query
from tasks.projects.selectors import get_project

DEFAULT_DAYS = 28


class AnalyticsQuery(QuerySerializer):
    """Period, project and assignee to count."""

    start = StrictDateField(
        required=False, help_text=f"First day, in UTC. Without it: {DEFAULT_DAYS} days up to `end`."
    )
    end = StrictDateField(required=False, help_text="Last day, in UTC. Without it: today. At most 366 days in all.")
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key of one project.")
    user = StrictUUIDField(required=False, help_text="Only tasks assigned to this user.")


class KpiOut(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True)
    previous = serializers.FloatField(allow_null=True, help_text="For the period of equal length before.")
    change = serializers.FloatField(allow_null=True)
    series = serializers.ListField(child=serializers.FloatField(allow_null=True), help_text="One figure for each day.")


class DayOut(serializers.Serializer[Any]):
    date = serializers.DateField()
    created = serializers.IntegerField()
    completed = serializers.IntegerField()
    closed = serializers.IntegerField(help_text="Completed and cancelled.")
    open = serializers.IntegerField(help_text="At the end of the day.")
    overdue = serializers.IntegerField(help_text="At the end of the day.")


class HistogramBucketOut(serializers.Serializer[Any]):
    lower_hours = serializers.IntegerField()
    upper_hours = serializers.IntegerField(allow_null=True, help_text="Null: no upper edge.")
    label = serializers.CharField()
    count = serializers.IntegerField()


class UserWorkloadOut(serializers.Serializer[Any]):
    user_id = serializers.UUIDField()
    name = serializers.CharField()
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()


class OverviewOut(serializers.Serializer[Any]):
    """Days are UTC days. Cycle times are hours from start (or creation) to done; percentiles come from the histogram."""

    start = serializers.DateField(source="period.start")
    end = serializers.DateField(source="period.end")
    as_of = StrictDateTimeField(allow_null=True, help_text="When the last change was recorded.")
    open = KpiOut()
    overdue = KpiOut()
    created = KpiOut()
    completed = KpiOut()
    throughput = KpiOut(help_text="Completed tasks per day.")
    cycle_median = KpiOut()
    cycle_p85 = KpiOut()
    cycle_p95 = KpiOut()
    days = DayOut(many=True)
    histogram = HistogramBucketOut(many=True)
    workload = UserWorkloadOut(many=True, help_text="At the end of the period, most overdue first.")


class DailyOut(serializers.Serializer[Any]):
    start = serializers.DateField()
    end = serializers.DateField()
    results = DayOut(many=True)


class OverviewView(ApiView):
    """Figures of a period beside those of the period before.

    They cover all projects visible to the caller, or one of them.
    """

    api_key_scope = {"GET": "analytics:read"}
    project_from = project_in_query

    @extend_schema(operation_id="get_analytics_overview", parameters=[AnalyticsQuery], responses=OverviewOut)
    def get(self, request: Request) -> Response:
        scope, period = _parse_request(request)
        return Response(OverviewOut(selectors.overview(scope, period)).data)


class DailyView(ApiView):
    """Figures of each day, including days without changes."""

    api_key_scope = {"GET": "analytics:read"}
    project_from = project_in_query

    @extend_schema(operation_id="get_analytics_daily", parameters=[AnalyticsQuery], responses=DailyOut)
    def get(self, request: Request) -> Response:
        scope, period = _parse_request(request)
        days = selectors.daily(scope, period)
        return Response(DailyOut({"start": period.start, "end": period.end, "results": days}).data)


def _parse_request(request: Request) -> tuple[Scope, Period]:
    assert isinstance(request.user, User)
    params = query_params.parse_query(AnalyticsQuery, request.query_params)
    end = params.get("end") or timezone.now().date()
    period = Period.of(params["start"], end) if "start" in params else Period.ending(end, length=DEFAULT_DAYS)
    project_id = get_project(request.user, params["project"]).pk if "project" in params else None
    return selectors.scope_for(request.user, project_id=project_id, user_id=params.get("user")), period
