"""The pages of accounts and security. The names are those that allauth reverses."""

from collections.abc import Callable
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from accounts.auth import pages
from accounts.auth.allauth.reauthentication import ReauthenticatePasskeyView
from accounts.auth.email_addresses import pages as email_addresses_pages
from accounts.auth.mfa import pages as mfa_pages
from accounts.auth.passwords import pages as passwords_pages
from core.api.endpoints import endpoint

SECURITY_PATH = "settings/security/"


def reauthentication_path(route: str, view: Callable[..., Any], name: str) -> URLPattern:
    """Return the path of a reauthentication page. allauth's views would take a PUT for a POST."""
    hashes_password = {"POST"} if name == "account_reauthenticate" else ()
    declared = endpoint(mfa_exempt=True, hashes_password=hashes_password, brute_force_limit={"POST"}, idempotent=False)
    return path(route, declared(require_http_methods(["GET", "HEAD", "POST"])(view)), name=name)


urlpatterns = [
    path("login/", pages.login, name="account_login"),
    path("logout/", pages.logout, name="account_logout"),
    path("register/", pages.register, name="account_signup"),
    path("login/mfa/", pages.login_mfa, name="mfa_authenticate"),
    path("login/passkey/", pages.login_passkey, name="mfa_login_webauthn"),
    path("verify-email/", email_addresses_pages.verify_email, name="account_confirm_email"),
    path("verify-email/sent/", email_addresses_pages.verification_sent, name="account_email_verification_sent"),
    path("password/reset/", passwords_pages.request_reset, name="account_reset_password"),
    path("password/reset/sent/", passwords_pages.reset_sent, name="account_reset_password_done"),
    path("password/reset/new/", passwords_pages.reset_password, name="account_reset_password_from_key"),
    reauthentication_path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    reauthentication_path("reauthenticate/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    reauthentication_path(
        "reauthenticate/passkey/",
        login_required(ReauthenticatePasskeyView.as_view()),
        name="mfa_reauthenticate_webauthn",
    ),
    path(SECURITY_PATH, mfa_pages.security, name="mfa_index"),
    path(f"{SECURITY_PATH}email/", email_addresses_pages.change_email, name="account_email"),
    path(f"{SECURITY_PATH}email/resend/", email_addresses_pages.resend_verification, name="email-resend"),
    path(f"{SECURITY_PATH}password/", passwords_pages.change_password, name="account_change_password"),
    path(f"{SECURITY_PATH}password/set/", passwords_pages.set_password, name="account_set_password"),
    path(f"{SECURITY_PATH}app/", mfa_pages.add_totp, name="mfa_activate_totp"),
    path(f"{SECURITY_PATH}app/remove/", mfa_pages.remove_totp, name="mfa_deactivate_totp"),
    path(f"{SECURITY_PATH}passkeys/add/", mfa_pages.add_passkey, name="mfa_add_webauthn"),
    path(f"{SECURITY_PATH}passkeys/<int:pk>/remove/", mfa_pages.remove_passkey, name="mfa_remove_webauthn"),
    path(f"{SECURITY_PATH}passkeys/<int:pk>/edit/", mfa_pages.rename_passkey, name="mfa_edit_webauthn"),
    path(f"{SECURITY_PATH}recovery-codes/", mfa_pages.recovery_codes, name="mfa_view_recovery_codes"),
    path(f"{SECURITY_PATH}recovery-codes/new/", mfa_pages.new_recovery_codes, name="mfa_generate_recovery_codes"),
]
