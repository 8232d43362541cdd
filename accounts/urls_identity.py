"""What allauth serves, under addresses of our own; the names are those that allauth itself asks for."""

from collections.abc import Callable
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.webauthn import views as webauthn
from django.urls import URLPattern, include, path
from django.views.decorators.http import require_http_methods

from accounts import headless_urls, views

SECURITY = "settings/security/"


def form(route: str, view: Callable[..., Any], name: str) -> URLPattern:
    """A page with a form; Django's own views would take a PUT for a POST, and a DELETE too."""
    return path(route, require_http_methods(["GET", "HEAD", "POST"])(view), name=name)


urlpatterns = [
    path("login/", views.sign_in, name="account_login"),
    path("logout/", views.sign_out, name="account_logout"),
    path("register/", views.register, name="account_signup"),
    path("login/inactive/", account.account_inactive, name="account_inactive"),
    form("login/second-factor/", mfa.authenticate, name="mfa_authenticate"),
    form("login/passkey/", views.PasskeySignIn.as_view(), name="mfa_login_webauthn"),
    path("verify-email/", views.verify_email, name="account_confirm_email"),
    path("verify-email/sent/", account.email_verification_sent, name="account_email_verification_sent"),
    form("password/reset/", views.AskForReset.as_view(), name="account_reset_password"),
    path("password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    path("password/reset/new/", views.reset_password, name="account_reset_password_from_key"),
    form("confirm/", account.reauthenticate, name="account_reauthenticate"),
    form("confirm/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    form("confirm/passkey/", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path(SECURITY, views.security, name="mfa_index"),
    path(f"{SECURITY}email/", views.change_email, name="account_email"),
    path(f"{SECURITY}email/resend/", views.resend_verification, name="email-resend"),
    form(f"{SECURITY}password/", views.ChangePassword.as_view(), name="account_change_password"),
    form(f"{SECURITY}password/set/", views.SetPassword.as_view(), name="account_set_password"),
    form(f"{SECURITY}app/", views.ActivateApp.as_view(), name="mfa_activate_totp"),
    form(f"{SECURITY}app/remove/", views.RemoveApp.as_view(), name="mfa_deactivate_totp"),
    form(f"{SECURITY}passkeys/add/", views.AddPasskey.as_view(), name="mfa_add_webauthn"),
    form(f"{SECURITY}passkeys/<int:pk>/remove/", views.RemovePasskey.as_view(), name="mfa_remove_webauthn"),
    form(f"{SECURITY}passkeys/<int:pk>/edit/", views.RenamePasskey.as_view(), name="mfa_edit_webauthn"),
    path(f"{SECURITY}recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    form(f"{SECURITY}recovery-codes/new/", recovery_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("_allauth/", include(headless_urls)),
]
