"""API of the operations page, for administrators."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from analytics.operations import actions, selectors
from core.api.generics import ActionView, DetailView
from core.api.query_params import QuerySerializer


class OperationsQuery(QuerySerializer):
    range = serializers.ChoiceField(choices=list(selectors.RANGES), default="1h", help_text="How far back.")


class PointOut(serializers.Serializer[Any]):
    """The requests of one step; null where nothing was recorded."""

    start = serializers.DateTimeField()
    rate = serializers.FloatField(allow_null=True, help_text="Requests per second.")
    error_share = serializers.FloatField(allow_null=True, help_text="Percent of answers with a status from 500 on.")
    p50 = serializers.FloatField(allow_null=True, help_text="Milliseconds.")
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class RouteOut(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Method and path template.")
    requests = serializers.IntegerField(source="counts.total")
    client_errors = serializers.IntegerField(source="counts.client_errors")
    server_errors = serializers.IntegerField(source="counts.server_errors")
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)


class FigureOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.CharField()
    status = serializers.ChoiceField(choices=["", "ok", "warn", "bad"])
    note = serializers.CharField()


class PanelOut(serializers.Serializer[Any]):
    key = serializers.CharField(source="panel.key")
    title = serializers.CharField(source="panel.title")
    bad = serializers.CharField(source="panel.bad", help_text="What to look for.")
    status = serializers.ChoiceField(choices=["ok", "warn", "bad"])
    error = serializers.CharField(help_text="Why there are no figures; empty if there are.")
    seen_at = serializers.DateTimeField(allow_null=True, help_text="When there were figures.")
    figures = FigureOut(many=True)


class OperationsOut(serializers.Serializer[Any]):
    """State of the installation: requests of a range, the slowest routes, and the parts."""

    at = serializers.DateTimeField()
    range = serializers.CharField(source="range.key")
    points = PointOut(many=True)
    slow_routes = RouteOut(many=True)
    panels = PanelOut(many=True)


class OperationsView(DetailView):
    """State of the installation, for administrators."""

    operation_ids = {"get": "get_operations"}
    # Of a session only: keys are for tasks, and programs that watch the installation read /metrics.
    api_key_scope = None
    query_serializer_class = OperationsQuery
    serializer_class = OperationsOut
    has_versions = False

    def get_object(self) -> selectors.OperationsReport:
        return selectors.operations_report(self.user, range_key=self.params["range"], now=self.now)


class ActionOut(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="To how many objects it was done.")


class PanelActionView(ActionView):
    """Action of a panel, such as trying failed emails again."""

    operation_ids = {"post": "run_operations_action"}
    api_key_scope = None
    serializer_class = ActionOut
    has_versions = False

    def perform_action(self, data: dict[str, Any], panel_key: str, action_key: str) -> dict[str, int]:
        return {"count": actions.run_action(actor=self.user, panel_key=panel_key, action_key=action_key)}
