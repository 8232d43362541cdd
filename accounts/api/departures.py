"""Leaving, and coming back."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import guard, services
from accounts.api.auth import Open
from accounts.models import Departure
from gateway.fields import Input, Text
from gateway.views import ApiView, parse


class LeaveInput(Input):
    confirmation = Text(
        max_length=254,
        trim_whitespace=False,
        write_only=True,
        help_text="The password or, for who signs in without one, the e-mail address.",
    )


class StayInput(Input):
    token = Text(max_length=200, write_only=True, help_text="From the link in the mail.")


class DepartureOut(serializers.ModelSerializer[Departure]):
    """When the account, which is closed now, is deleted; the mail holds the way back."""

    class Meta:
        model = Departure
        fields = ["requested_at", "due_at"]


class DepartureView(ApiView):
    takes_a_password = True

    @extend_schema(operation_id="leave", request=LeaveInput, responses={202: DepartureOut})
    def post(self, request: Request) -> Response:
        sent: dict[str, Any] = parse(LeaveInput, request)
        with guard.proving(request._request, request.user):
            departure = services.leave(actor=request.user, now=timezone.now(), **sent)
        return Response(DepartureOut(departure).data, status=202)


class StayView(Open):
    @extend_schema(operation_id="stay", request=StayInput, responses={204: None})
    def post(self, request: Request) -> Response:
        services.stay(now=timezone.now(), **parse(StayInput, request))
        return Response(status=204)
