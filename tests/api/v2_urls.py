"""URLs of a second API version, which replaces one endpoint and shares the others."""

from __future__ import annotations

from datetime import UTC, datetime

from django.urls import include, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.users.api import MeView
from config.urls import urlpatterns as first_version
from core.api.deprecation import Deprecation
from core.api.endpoints import no_projects
from core.api.generics import ApiView


class DeprecatedMeView(MeView):
    deprecated = Deprecation(
        since=datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
        sunset=datetime(2027, 5, 4, tzinfo=UTC),
        link="https://tasks.example.com/docs/v2",
    )


class MeV2Serializer(serializers.Serializer):
    display_name = serializers.CharField()


class MeV2View(ApiView):
    api_key_scope = {"GET": "me:read"}
    project_from = no_projects

    @extend_schema(operation_id="get_me_v2", responses=MeV2Serializer)
    def get(self, request: Request) -> Response:
        return Response({"display_name": request.user.name})


me_urlpatterns = [path("api/v1/me/", DeprecatedMeView.as_view()), path("api/v2/me/", MeV2View.as_view())]
urlpatterns = [*me_urlpatterns, path("api/v2/", include("config.api_urls")), *first_version]
