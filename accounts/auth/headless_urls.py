"""allauth's API for programs: our own versions of some doors stand before allauth's."""

from allauth.headless.base.views import APIView
from allauth.headless.constants import Client
from allauth.headless.urls import build_urlpatterns
from django.urls import include, path

from accounts.auth import headless_views
from accounts.auth.headless_identities import ManageIdentitiesView

OVERRIDES: dict[str, type[APIView]] = {
    "auth/2fa/authenticate": headless_views.Authenticate,
    "auth/2fa/reauthenticate": headless_views.ConfirmByCode,
    "auth/webauthn/login": headless_views.PasskeySignIn,
    "auth/webauthn/authenticate": headless_views.AuthenticateByPasskey,
    "auth/webauthn/reauthenticate": headless_views.ConfirmByPasskey,
    "auth/signup": headless_views.SignUp,
    "auth/password/request": headless_views.AskForReset,
    "auth/password/reset": headless_views.ResetPassword,
    "account/password/change": headless_views.ChangePassword,
    "account/email": headless_views.ManageAddress,
    "account/authenticators/totp": headless_views.ManageApp,
    "account/authenticators/webauthn": headless_views.ManagePasskeys,
    "account/providers": ManageIdentitiesView,
}
# allauth keeps these open whether they can be used or not, and fails: there are no phone numbers here, and the way to a
# provider is a page's.
DISABLED = ("account/phone", "auth/phone/verify", "auth/phone/verify/resend", "auth/provider/redirect")


app_name = "headless"
app_urlpatterns = [
    *(path(f"v1/{door}", view.as_api_view(client=Client.APP)) for door, view in OVERRIDES.items()),
    *(path(f"v1/{door}", headless_views.closed) for door in DISABLED),
    *build_urlpatterns(Client.APP),
]
urlpatterns = [path("app/", include((app_urlpatterns, "headless"), namespace="app"))]
