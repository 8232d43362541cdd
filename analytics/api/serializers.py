from __future__ import annotations

from typing import Any

from rest_framework import serializers

from gateway.fields import Instant


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


class BarOut(serializers.Serializer[Any]):
    lower_hours = serializers.IntegerField()
    upper_hours = serializers.IntegerField(allow_null=True, help_text="Null: no upper end.")
    label = serializers.CharField()
    count = serializers.IntegerField()


class LoadOut(serializers.Serializer[Any]):
    person_id = serializers.UUIDField()
    name = serializers.CharField()
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()


class OverviewOut(serializers.Serializer[Any]):
    """Days are UTC days. Cycle times are hours from start (or creation) to done; percentiles come from the histogram."""

    start = serializers.DateField(source="period.start")
    end = serializers.DateField(source="period.end")
    as_of = Instant(allow_null=True, help_text="When the last change was counted.")
    open = KpiOut()
    overdue = KpiOut()
    created = KpiOut()
    completed = KpiOut()
    throughput = KpiOut(help_text="Completed tasks per day.")
    cycle_median = KpiOut()
    cycle_p85 = KpiOut()
    cycle_p95 = KpiOut()
    days = DayOut(many=True)
    histogram = BarOut(many=True)
    workload = LoadOut(many=True, help_text="At the end of the period, most overdue first.")


class DailyOut(serializers.Serializer[Any]):
    start = serializers.DateField()
    end = serializers.DateField()
    results = DayOut(many=True)
