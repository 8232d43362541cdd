"""API of the caller's identities at OpenID providers. They are linked on the settings page, in a browser."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet
from rest_framework import serializers

from accounts.auth.login_methods.selectors import list_identities
from accounts.auth.oidc import services
from accounts.auth.oidc.client import provider_names
from core.api.generics import DeleteView, ListView


class IdentityOut(serializers.ModelSerializer[Any]):
    """An identity at a provider that the caller signs in with."""

    name = serializers.SerializerMethodField(help_text="Name of the provider.")
    email = serializers.CharField(source="extra_data.email", default="", help_text="Empty if the provider sent none.")
    created_at = serializers.DateTimeField(source="date_joined")

    class Meta:
        model = SocialAccount
        fields = ["id", "provider", "name", "email", "created_at"]

    def get_name(self, identity: SocialAccount) -> str:
        return provider_names().get(identity.provider, identity.provider)


class IdentitiesView(ListView):
    """The caller's linked identities."""

    operation_ids = {"get": "list_my_identities"}
    api_key_scope = None
    serializer_class = IdentityOut

    def get_queryset(self) -> QuerySet[SocialAccount]:
        return list_identities(self.user).order_by()  # pagination brings its own ordering


class IdentityView(DeleteView):
    """Unlink an identity; refused for the caller's only way to sign in."""

    operation_ids = {"delete": "unlink_my_identity"}
    api_key_scope = None
    requires_recent_login = {"DELETE"}
    has_versions = False

    def delete_object(self, identity_id: int) -> None:
        services.unlink_identity(actor=self.user, identity_id=identity_id, now=self.now)
