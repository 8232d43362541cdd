from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from analytics import selectors
from analytics.api.filters import NumbersQuery, period_of
from analytics.api.serializers import DailyOut, OverviewOut
from analytics.figures import Period, Scope
from gateway import query
from gateway.views import ApiView
from tasks.selectors import get_project


class OverviewView(ApiView):
    """The figures of a period beside those of the period before, over all the caller may see or one project."""

    @extend_schema(operation_id="get_analytics_overview", parameters=[NumbersQuery], responses=OverviewOut)
    def get(self, request: Request) -> Response:
        scope, period = _asked(request)
        return Response(OverviewOut(selectors.overview(scope, period)).data)


class DailyView(ApiView):
    """The figures of each day, including days on which nothing happened."""

    @extend_schema(operation_id="get_analytics_daily", parameters=[NumbersQuery], responses=DailyOut)
    def get(self, request: Request) -> Response:
        scope, period = _asked(request)
        days = selectors.daily(scope, period)
        return Response(DailyOut({"start": period.start, "end": period.end, "results": days}).data)


def _asked(request: Request) -> tuple[Scope, Period]:
    assert isinstance(request.user, User)
    wanted = query.parse(NumbersQuery, request.query_params)
    period = period_of(wanted, timezone.now().date())
    project_id = get_project(request.user, wanted["project"]).pk if "project" in wanted else None
    return selectors.scope_for(request.user, project_id=project_id, person_id=wanted.get("person")), period
