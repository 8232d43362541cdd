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
    "auth/webauthn/authenticate": programs.AuthenticateByPasskey,
    "auth/webauthn/reauthenticate": programs.ConfirmByPasskey,
    "auth/signup": programs.SignUp,
    "auth/password/request": programs.AskForReset,
    "auth/password/reset": programs.ResetPassword,
    "account/password/change": programs.ChangePassword,
    "account/email": programs.ManageAddress,
    "account/authenticators/totp": programs.ManageApp,
    "account/authenticators/webauthn": programs.ManagePasskeys,
    "account/providers": ManageIdentities,
}
# allauth keeps these open whether they can be used or not, and fails: there are no phone numbers here, and the way to a
# provider is a page's.
CLOSED = ("account/phone", "auth/phone/verify", "auth/phone/verify/resend", "auth/provider/redirect")


app_name = "headless"
of_programs = [
    *(path(f"v1/{door}", view.as_api_view(client=Client.APP)) for door, view in OURS.items()),
    *(path(f"v1/{door}", programs.closed) for door in CLOSED),
    *build_urlpatterns(Client.APP),
]
urlpatterns = [path("app/", include((of_programs, "headless"), namespace="app"))]
