"""Asking people into a project by mail."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.invitations import InvitationOut, invited
from accounts.limits import counted_invitation
from gateway.fields import Choice, Input
from gateway.views import ApiView, parse
from tasks import services
from tasks.models import Role


class ProjectInvitationInput(Input):
    email = serializers.EmailField(max_length=254)
    role = Choice(choices=Role.choices, default=Role.EDITOR)


class ProjectInvitationsView(ApiView):
    @extend_schema(operation_id="invite_to_project", request=ProjectInvitationInput, responses={201: InvitationOut})
    def post(self, request: Request, ref: str) -> Response:
        sent: dict[str, Any] = parse(ProjectInvitationInput, request)
        with counted_invitation(request._request, request.user, sent["email"]):
            invitation = services.invite_to_project(actor=request.user, ref=ref, now=timezone.now(), **sent)
        return invited(request, invitation)
