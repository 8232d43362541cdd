"""Asking people to come, and coming."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth.api import PublicApiView
from accounts.models import Invitation
from accounts.users.invitations import selectors, services
from accounts.users.invitations.rate_limits import throttled_invitation
from accounts.users.serializers import MeOut, UserOut
from core.api import query_params
from core.api.fields import SingleLineField, StrictCharField, StrictSerializer, StrictUUIDField
from core.api.pagination import PageQuerySerializer, PageRequest, Sort, paginate
from core.api.preconditions import parse_if_match
from core.api.schema import page_serializer
from core.api.views import ApiView, list_response, object_response, parse_body
from core.http.client_ip import client_ip
from core.rate_limits import consume


class InvitationInput(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    team = StrictUUIDField(
        required=False, help_text="Into this team, by one of its leads; without it into TaskFlow, by staff."
    )


class TokenInput(StrictSerializer):
    token = StrictCharField(max_length=200, write_only=True, help_text="From the link in the mail.")


class InvitedRegistrationInput(TokenInput):
    name = SingleLineField(max_length=120)
    password = StrictCharField(max_length=200, trim_whitespace=False, write_only=True)


class InvitationOut(serializers.ModelSerializer[Invitation]):
    inviter = UserOut()
    team = serializers.UUIDField(source="team_id", allow_null=True)

    class Meta:
        model = Invitation
        fields = [
            "id", "email", "inviter", "team", "target", "created_at", "expires_at", "accepted_at", "revoked_at",
            "version",
        ]  # fmt: skip


class InvitationsView(ApiView):
    api_key_scope = None

    @extend_schema(
        operation_id="list_invitations", parameters=[PageQuerySerializer], responses=page_serializer(InvitationOut)
    )
    def get(self, request: Request) -> Response:
        wanted = query_params.parse_query(PageQuerySerializer, request.query_params)
        window = PageRequest.of(wanted, sorts={"id": Sort("id")}, default="-id", owner=str(request.user.pk))
        return list_response(
            request, paginate(selectors.list_invitations(request.user), window), InvitationOut, wanted.get("fields")
        )

    @extend_schema(operation_id="invite", request=InvitationInput, responses={201: InvitationOut})
    def post(self, request: Request) -> Response:
        sent = parse_body(InvitationInput, request)
        with throttled_invitation(request._request, request.user, sent["email"]):
            invitation = services.invite(
                actor=request.user, email=sent["email"], team_id=sent.get("team"), now=timezone.now()
            )
        return invitation_response(request, invitation)


class InvitationView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="get_invitation", responses=InvitationOut)
    def get(self, request: Request, invitation_id: uuid.UUID) -> Response:
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        return object_response(selectors.get_invitation(request.user, invitation_id), InvitationOut)

    @extend_schema(operation_id="revoke_invitation", responses={204: None})
    def delete(self, request: Request, invitation_id: uuid.UUID) -> Response:
        versions = parse_if_match(request._request)
        services.revoke_invitation(
            actor=request.user, invitation_id=invitation_id, now=timezone.now(), versions=versions
        )
        return Response(status=204)


class AcceptInvitationView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="accept_invitation", request=TokenInput, responses=MeOut)
    def post(self, request: Request) -> Response:
        user = services.accept_invitation(actor=request.user, now=timezone.now(), **parse_body(TokenInput, request))
        return object_response(user, MeOut)


class RegisterWithInvitationView(PublicApiView):
    @extend_schema(operation_id="join", request=InvitedRegistrationInput, responses={201: MeOut})
    def post(self, request: Request) -> Response:
        """Register by an invitation; then sign in."""
        sent: dict[str, Any] = parse_body(InvitedRegistrationInput, request)
        consume(request._request, group="register", key=client_ip(request._request), rate=settings.REGISTER_RATE)
        return object_response(services.register_with_invitation(now=timezone.now(), **sent), MeOut, status=201)


def invitation_response(request: Request, invitation: Invitation) -> Response:
    shown = selectors.get_invitation(request.user, invitation.pk)
    return object_response(shown, InvitationOut, status=201, location=f"/api/v1/invitations/{invitation.pk}/")
