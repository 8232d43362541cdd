"""What allauth serves, under addresses of our own; the names are those that allauth itself asks for."""

from collections.abc import Callable
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.webauthn import views as webauthn
from django.urls import URLPattern, include, path
from django.views.decorators.http import require_http_methods

from accounts.auth import headless_urls, pages
from accounts.auth.email_addresses import pages as email_addresses_pages
from accounts.auth.mfa import pages as mfa_pages
from accounts.auth.passwords import pages as passwords_pages
from core.api.endpoints import endpoint

SECURITY_PATH = "settings/security/"


def form_path(route: str, view: Callable[..., Any], name: str) -> URLPattern:
    """Return the path of a page with a form; Django's own views would take a PUT for a POST, and a DELETE too."""
    return path(route, require_http_methods(["GET", "HEAD", "POST"])(view), name=name)


mfa_exempt = endpoint(mfa_exempt=True)
reauthentication_page = endpoint(mfa_exempt=True, brute_force_limit={"POST"})


urlpatterns = [
    path("login/", pages.login, name="account_login"),
    path("logout/", pages.logout, name="account_logout"),
    path("register/", pages.register, name="account_signup"),
    path("login/inactive/", account.account_inactive, name="account_inactive"),
    form_path("login/mfa/", endpoint(brute_force_limit={"POST"})(mfa.authenticate), name="mfa_authenticate"),
    form_path("login/passkey/", mfa_pages.PasskeyLoginView.as_view(), name="mfa_login_webauthn"),
    path("verify-email/", email_addresses_pages.verify_email, name="account_confirm_email"),
    path("verify-email/sent/", account.email_verification_sent, name="account_email_verification_sent"),
    form_path("password/reset/", passwords_pages.PasswordResetRequestView.as_view(), name="account_reset_password"),
    path("password/reset/sent/", mfa_exempt(account.password_reset_done), name="account_reset_password_done"),
    path("password/reset/new/", passwords_pages.reset_password, name="account_reset_password_from_key"),
    form_path("reauthenticate/", reauthentication_page(account.reauthenticate), name="account_reauthenticate"),
    form_path("reauthenticate/code/", reauthentication_page(mfa.reauthenticate), name="mfa_reauthenticate"),
    form_path(
        "reauthenticate/passkey/",
        reauthentication_page(webauthn.reauthenticate_webauthn),
        name="mfa_reauthenticate_webauthn",
    ),
    path(SECURITY_PATH, mfa_pages.security, name="mfa_index"),
    path(f"{SECURITY_PATH}email/", email_addresses_pages.change_email, name="account_email"),
    path(f"{SECURITY_PATH}email/resend/", email_addresses_pages.resend_verification, name="email-resend"),
    form_path(
        f"{SECURITY_PATH}password/", passwords_pages.PasswordChangeView.as_view(), name="account_change_password"
    ),
    form_path(f"{SECURITY_PATH}password/set/", passwords_pages.PasswordSetView.as_view(), name="account_set_password"),
    form_path(f"{SECURITY_PATH}app/", mfa_pages.ActivateTotpView.as_view(), name="mfa_activate_totp"),
    form_path(f"{SECURITY_PATH}app/remove/", mfa_pages.DeactivateTotpView.as_view(), name="mfa_deactivate_totp"),
    form_path(f"{SECURITY_PATH}passkeys/add/", mfa_pages.AddPasskeyView.as_view(), name="mfa_add_webauthn"),
    form_path(
        f"{SECURITY_PATH}passkeys/<int:pk>/remove/", mfa_pages.RemovePasskeyView.as_view(), name="mfa_remove_webauthn"
    ),
    form_path(
        f"{SECURITY_PATH}passkeys/<int:pk>/edit/", mfa_pages.RenamePasskeyView.as_view(), name="mfa_edit_webauthn"
    ),
    path(
        f"{SECURITY_PATH}recovery-codes/",
        mfa_exempt(recovery_codes.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    form_path(
        f"{SECURITY_PATH}recovery-codes/new/",
        mfa_exempt(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("_allauth/", include(headless_urls)),
]
