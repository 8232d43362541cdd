"""How people prove who they are: django-allauth behind our own doors, pages and mails."""

from __future__ import annotations

from datetime import timedelta

from accounts.auth.mfa import enforcement
from config import env

REQUIRE_VERIFIED_EMAIL = env.boolean("REQUIRE_VERIFIED_EMAIL", False)
# Of whom a second factor is demanded. A node with another rule may not hand out what was kept under this one.
REQUIRE_MFA = env.choice("REQUIRE_MFA", "nobody", tuple(enforcement.MFA_POLICIES))
CACHE_KEY_VARIANT = REQUIRE_MFA
MFA_RATE = env.text("MFA_RATE", "10/5m")
EMAIL_LINK_RATE = env.text("EMAIL_LINK_RATE", "5/h")
MFA_CHALLENGE_LIFETIME = timedelta(minutes=5)
# How long one proof of who one is lasts, for what asks for a fresh one: on pages and in the API.
REAUTHENTICATION_MAX_AGE = timedelta(minutes=5)
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(REAUTHENTICATION_MAX_AGE.total_seconds())

PASSWORD_RESET_TIMEOUT = 3 * 3600

ACCOUNT_ADAPTER = "accounts.auth.allauth.account_adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if REQUIRE_VERIFIED_EMAIL else "optional"
ACCOUNT_EMAIL_NOTIFICATIONS = True
# An unknown address is mailed too: the answer to either takes the same work, and whoever owns it learns why.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.auth.allauth.signup_form.SignupForm"
ACCOUNT_FORMS = {
    "add_email": "accounts.auth.allauth.forms.ChangeEmailForm",
    "change_password": "accounts.auth.allauth.forms.ChangePasswordForm",
    "set_password": "accounts.auth.allauth.forms.SetPasswordForm",
    "reset_password": "accounts.auth.allauth.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.auth.allauth.forms.NewPasswordForm",
    "reauthenticate": "accounts.auth.allauth.forms.ReauthenticateForm",
}
ACCOUNT_USER_DISPLAY = "accounts.auth.allauth.account_adapter.display_name"
# Every door is counted by gateway.limits, which also counts while Redis is away; allauth's own would refuse all then.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False

MFA_ADAPTER = "accounts.auth.allauth.mfa_adapter.MfaAdapter"
MFA_FORMS = {
    "authenticate": "accounts.auth.allauth.forms.MfaCodeForm",
    "reauthenticate": "accounts.auth.allauth.forms.ReauthenticateCodeForm",
    "activate_totp": "accounts.auth.allauth.forms.ActivateTotpForm",
    "add_webauthn": "accounts.auth.allauth.forms.AddPasskeyForm",
    "authenticate_webauthn": "accounts.auth.allauth.passkey_forms.PasskeyAuthenticateForm",
    "reauthenticate_webauthn": "accounts.auth.allauth.passkey_forms.PasskeyReauthenticateForm",
    "login_webauthn": "accounts.auth.allauth.passkey_forms.PasskeyLoginForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# allauth would also refuse another address to whoever has a factor, and a factor to whoever has proposed an address;
# accounts.adapters.factors asks for the one thing that matters: that the present address is confirmed.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "TaskFlow"

HEADLESS_CLIENTS = ("app",)
HEADLESS_TOKEN_STRATEGY = "accounts.auth.headless_tokens.SessionTokens"
