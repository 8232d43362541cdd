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

from accounts import selectors, services
from accounts.api.auth import Open
from accounts.api.serializers import MeOut, PersonOut
from accounts.limits import counted_invitation
from accounts.models import Invitation
from gateway import query
from gateway.fields import Input, Line, Text, Uuid
from gateway.headers import client_address
from gateway.limits import spend
from gateway.pagination import PageQuery, Sort, Window, take
from gateway.preconditions import if_match
from gateway.schema import page_of
from gateway.views import ApiView, listing, one, parse


class InvitationInput(Input):
    email = serializers.EmailField(max_length=254)
    team = Uuid(required=False, help_text="Into this team, by one of its leads; without it into TaskFlow, by staff.")


class TokenInput(Input):
    token = Text(max_length=200, write_only=True, help_text="From the link in the mail.")


class JoinInput(TokenInput):
    name = Line(max_length=120)
    password = Text(max_length=200, trim_whitespace=False, write_only=True)


class InvitationOut(serializers.ModelSerializer[Invitation]):
    inviter = PersonOut()
    team = serializers.UUIDField(source="team_id", allow_null=True)

    class Meta:
        model = Invitation
        fields = [
            "id", "email", "inviter", "team", "target", "created_at", "expires_at", "accepted_at", "revoked_at",
            "version",
        ]  # fmt: skip


class InvitationsView(ApiView):
    @extend_schema(operation_id="list_invitations", parameters=[PageQuery], responses=page_of(InvitationOut))
    def get(self, request: Request) -> Response:
        wanted = query.parse(PageQuery, request.query_params)
        window = Window.of(wanted, sorts={"id": Sort("id")}, default="-id", owner=str(request.user.pk))
        return listing(request, take(selectors.invitations(request.user), window), InvitationOut, wanted.get("fields"))

    @extend_schema(operation_id="invite", request=InvitationInput, responses={201: InvitationOut})
    def post(self, request: Request) -> Response:
        sent = parse(InvitationInput, request)
        with counted_invitation(request._request, request.user, sent["email"]):
            invitation = services.invite(
                actor=request.user, email=sent["email"], team_id=sent.get("team"), now=timezone.now()
            )
        return invited(request, invitation)


class InvitationView(ApiView):
    @extend_schema(operation_id="get_invitation", responses=InvitationOut)
    def get(self, request: Request, invitation_id: uuid.UUID) -> Response:
        query.parse(query.Query, request.query_params)
        return one(selectors.get_invitation(request.user, invitation_id), InvitationOut)

    @extend_schema(operation_id="revoke_invitation", responses={204: None})
    def delete(self, request: Request, invitation_id: uuid.UUID) -> Response:
        versions = if_match(request._request)
        services.revoke_invitation(
            actor=request.user, invitation_id=invitation_id, now=timezone.now(), versions=versions
        )
        return Response(status=204)


class AcceptView(ApiView):
    @extend_schema(operation_id="accept_invitation", request=TokenInput, responses=MeOut)
    def post(self, request: Request) -> Response:
        person = services.accept_invitation(actor=request.user, now=timezone.now(), **parse(TokenInput, request))
        return one(person, MeOut)


class JoinView(Open):
    @extend_schema(operation_id="join", request=JoinInput, responses={201: MeOut})
    def post(self, request: Request) -> Response:
        """Register by an invitation; then sign in."""
        sent: dict[str, Any] = parse(JoinInput, request)
        spend(request._request, group="register", key=client_address(request._request), rate=settings.REGISTER_RATE)
        return one(services.join(now=timezone.now(), **sent), MeOut, status=201)


def invited(request: Request, invitation: Invitation) -> Response:
    shown = selectors.get_invitation(request.user, invitation.pk)
    return one(shown, InvitationOut, status=201, location=f"/api/v1/invitations/{invitation.pk}/")
