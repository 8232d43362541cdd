"""API of the statistics."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from analytics.overview import selectors
from analytics.overview.results import Overview, Period, Scope
from core.api.fields import StrictDateField, StrictDateTimeField, StrictUUIDField
from core.api.generics import DetailView
from core.api.query_params import QuerySerializer
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


class AnalyticsView(DetailView):
    """Base of the views of one scope and period."""

    api_key_scope = {"GET": "analytics:read"}
    project_from = project_in_query
    query_serializer_class = AnalyticsQuery
    has_versions = False

    def get_scope(self) -> Scope:
        project_id = get_project(self.user, self.params["project"]).pk if "project" in self.params else None
        return selectors.scope_for(self.user, project_id=project_id, user_id=self.params.get("user"))

    def get_period(self) -> Period:
        # Today in UTC, as the days of the statistics are.
        end = self.params.get("end") or self.now.date()
        if "start" in self.params:
            return Period.of(self.params["start"], end)
        return Period.ending(end, length=DEFAULT_DAYS)


class OverviewView(AnalyticsView):
    """Figures of a period beside those of the period before.

    They cover all projects visible to the caller, or one of them.
    """

    operation_ids = {"get": "get_analytics_overview"}
    serializer_class = OverviewOut

    def get_object(self) -> Overview:
        period = self.get_period()
        return selectors.overview(self.get_scope(), period)


class DailyView(AnalyticsView):
    """Figures of each day, including days without changes."""

    operation_ids = {"get": "get_analytics_daily"}
    serializer_class = DailyOut

    def get_object(self) -> dict[str, Any]:
        period = self.get_period()
        days = selectors.daily(self.get_scope(), period)
        return {"start": period.start, "end": period.end, "results": days}
