"""What allauth serves, under addresses of our own; the names are those that allauth itself asks for."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import include, path

from accounts import headless_urls, views

SECURITY = "settings/security/"

urlpatterns = [
    path("login/", views.sign_in, name="account_login"),
    path("logout/", views.sign_out, name="account_logout"),
    path("register/", views.register, name="account_signup"),
    path("login/inactive/", account.account_inactive, name="account_inactive"),
    path("login/second-factor/", mfa.authenticate, name="mfa_authenticate"),
    path("login/passkey/", views.PasskeySignIn.as_view(), name="mfa_login_webauthn"),
    path("verify-email/", views.verify_email, name="account_confirm_email"),
    path("verify-email/sent/", account.email_verification_sent, name="account_email_verification_sent"),
    path("password/reset/", views.AskForReset.as_view(), name="account_reset_password"),
    path("password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    path("password/reset/new/", views.reset_password, name="account_reset_password_from_key"),
    path("confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("confirm/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("confirm/passkey/", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path(SECURITY, views.security, name="mfa_index"),
    path(f"{SECURITY}email/", views.change_email, name="account_email"),
    path(f"{SECURITY}email/resend/", views.resend_verification, name="email-resend"),
    path(f"{SECURITY}password/", views.ChangePassword.as_view(), name="account_change_password"),
    path(f"{SECURITY}password/set/", views.SetPassword.as_view(), name="account_set_password"),
    path(f"{SECURITY}app/", views.ActivateApp.as_view(), name="mfa_activate_totp"),
    path(f"{SECURITY}app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path(f"{SECURITY}passkeys/add/", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path(f"{SECURITY}passkeys/<int:pk>/remove/", views.RemovePasskey.as_view(), name="mfa_remove_webauthn"),
    path(f"{SECURITY}passkeys/<int:pk>/edit/", views.RenamePasskey.as_view(), name="mfa_edit_webauthn"),
    path(f"{SECURITY}recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(f"{SECURITY}recovery-codes/new/", recovery_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("_allauth/", include(headless_urls)),
]
