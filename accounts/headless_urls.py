"""allauth's API for programs: our own versions of some doors stand before allauth's."""

from allauth.headless.base.views import APIView
from allauth.headless.constants import Client
from allauth.headless.urls import build_urlpatterns
from django.urls import include, path

from accounts.adapters import programs
from accounts.oidc.programs import ManageIdentities

OURS: dict[str, type[APIView]] = {
    "auth/2fa/authenticate": programs.Authenticate,
    "auth/2fa/reauthenticate": programs.ConfirmByCode,
    "auth/webauthn/login": programs.PasskeySignIn,
    "auth/password/request": programs.AskForReset,
    "account/password/change": programs.ChangePassword,
    "account/email": programs.ManageAddress,
    "account/authenticators/totp": programs.ManageApp,
    "account/providers": ManageIdentities,
}

app_name = "headless"
of_programs = [
    *(path(f"v1/{door}", view.as_api_view(client=Client.APP)) for door, view in OURS.items()),
    *build_urlpatterns(Client.APP),
]
urlpatterns = [path("app/", include((of_programs, "headless"), namespace="app"))]
