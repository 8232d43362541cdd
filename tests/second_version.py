"""What the addresses are once there is a second version: it replaces one door and shares the others with the first."""

from __future__ import annotations

from datetime import UTC, datetime

from django.urls import include, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.people import MeView
from config.urls import urlpatterns as first_version
from gateway.deprecation import Deprecation
from gateway.views import ApiView


class OldMe(MeView):
    deprecated = Deprecation(
        since=datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
        sunset=datetime(2027, 5, 4, tzinfo=UTC),
        link="https://tasks.example.com/docs/v2",
    )


class Me(serializers.Serializer):
    display_name = serializers.CharField()


class NewMe(ApiView):
    @extend_schema(operation_id="get_me_v2", responses=Me)
    def get(self, request: Request) -> Response:
        return Response({"display_name": request.user.name})


of_people = [path("api/v1/me/", OldMe.as_view()), path("api/v2/me/", NewMe.as_view())]
urlpatterns = [*of_people, path("api/v2/", include("config.api")), *first_version]
