"""API of invitations."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.auth.api import PublicApiView
from accounts.models import Invitation, User
from accounts.users import selectors
from accounts.users.invitations import services
from accounts.users.invitations.rate_limits import rate_limited_invitation
from accounts.users.serializers import LocaleInput, MeOut, UserOut, pop_locale
from core.api.fields import EmailField, SingleLineField, StrictCharField, StrictSerializer, StrictUUIDField
from core.api.generics import ActionView, CreateView, DeleteView, DetailView, ListView
from core.http.client_ip import client_ip
from core.rate_limits import Use, consume


class InvitationInput(StrictSerializer):
    """Input for a new invitation."""

    email = EmailField()
    team = StrictUUIDField(
        required=False, help_text="Invite to this team, as one of its leads; without it to the instance, as staff."
    )


class TokenInput(StrictSerializer):
    """The token of an invitation."""

    token = StrictCharField(max_length=200, write_only=True, help_text="From the link in the email.")


class InvitedRegistrationInput(TokenInput, LocaleInput):
    """Input for a new account with the email address of the invitation."""

    name = SingleLineField(max_length=120)
    password = StrictCharField(max_length=200, trim_whitespace=False, write_only=True)


class InvitationOut(serializers.ModelSerializer[Invitation]):
    """An invitation without its token."""

    inviter = UserOut()
    team = serializers.UUIDField(source="team_id", allow_null=True)

    class Meta:
        model = Invitation
        fields = [
            "id", "email", "inviter", "team", "target", "created_at", "expires_at", "accepted_at", "revoked_at",
            "version",
        ]  # fmt: skip


class InvitationsView(ListView, CreateView):
    """The caller's own invitations; all of them for staff."""

    operation_ids = {"get": "list_invitations", "post": "create_invitation"}
    api_key_scope = None
    serializer_class = InvitationOut
    input_serializer_class = InvitationInput
    default_ordering = "-id"
    has_location = True
    list_selector = selectors.list_invitations

    def create_object(self, data: dict[str, Any]) -> Invitation:
        email, team_id = data["email"], data.get("team")
        with rate_limited_invitation(self.request._request, self.user, email):
            invitation = services.invite(actor=self.user, email=email, team_id=team_id, now=self.now)
        return selectors.get_invitation(self.user, invitation.pk)


class InvitationView(DetailView, DeleteView):
    """An invitation, which its inviter and administrators can revoke."""

    operation_ids = {"get": "get_invitation", "delete": "revoke_invitation"}
    api_key_scope = None
    serializer_class = InvitationOut
    object_selector = selectors.get_invitation
    delete_service = services.revoke_invitation
    services_take_now = True


class AcceptInvitationView(ActionView):
    """Accept an invitation with the caller's account."""

    operation_ids = {"post": "accept_invitation"}
    api_key_scope = None
    serializer_class = MeOut
    input_serializer_class = TokenInput

    def perform_action(self, data: dict[str, Any]) -> User:
        return services.accept_invitation(actor=self.user, now=self.now, **data)


class RegisterWithInvitationView(PublicApiView, CreateView):
    """Register with an invitation. The response holds no tokens; sign in afterwards."""

    operation_ids = {"post": "register_with_invitation"}
    hashes_password = {"POST"}
    serializer_class = MeOut
    input_serializer_class = InvitedRegistrationInput

    def create_object(self, data: dict[str, Any]) -> User:
        request = self.request._request
        consume(request, Use("register", client_ip(request), settings.REGISTER_RATE))
        return services.register_with_invitation(now=self.now, locale=pop_locale(data, request), **data)
