"""How people prove who they are: django-allauth behind our own doors, pages and mails."""

from __future__ import annotations

from datetime import timedelta

from accounts import standing
from config import env

REQUIRE_VERIFIED_EMAIL = env.boolean("REQUIRE_VERIFIED_EMAIL", False)
# Of whom a second factor is demanded. A node with another rule may not hand out what was kept under this one.
REQUIRE_SECOND_FACTOR = env.choice("REQUIRE_SECOND_FACTOR", "nobody", tuple(standing.DEMANDED))
KEPT_UNDER = REQUIRE_SECOND_FACTOR
SECOND_FACTOR_RATE = env.text("SECOND_FACTOR_RATE", "10/5m")
ACCOUNT_MAIL_RATE = env.text("ACCOUNT_MAIL_RATE", "5/h")
SECOND_FACTOR_LIFETIME = timedelta(minutes=5)
# How long one proof of who one is lasts, for what asks for a fresh one: on pages and in the API.
PROOF_LASTS = timedelta(minutes=5)
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(PROOF_LASTS.total_seconds())

PASSWORD_RESET_TIMEOUT = 3 * 3600

ACCOUNT_ADAPTER = "accounts.adapters.account.AccountAdapter"
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
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.adapters.signup.NamedSignup"
ACCOUNT_FORMS = {
    "add_email": "accounts.adapters.forms.NewAddressForm",
    "change_password": "accounts.adapters.forms.ChangePasswordForm",
    "set_password": "accounts.adapters.forms.SetPasswordForm",
    "reset_password": "accounts.adapters.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.adapters.forms.NewPasswordForm",
    "reauthenticate": "accounts.adapters.forms.ConfirmForm",
}
ACCOUNT_USER_DISPLAY = "accounts.adapters.account.display_name"
# Every door is counted by gateway.limits, which also counts while Redis is away; allauth's own would refuse all then.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False

MFA_ADAPTER = "accounts.adapters.second_factor.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.adapters.forms.CodeForm",
    "reauthenticate": "accounts.adapters.forms.ConfirmCodeForm",
    "activate_totp": "accounts.adapters.forms.ActivateAppForm",
    "add_webauthn": "accounts.adapters.forms.AddPasskeyForm",
    "authenticate_webauthn": "accounts.adapters.passkeys.AuthenticateForm",
    "reauthenticate_webauthn": "accounts.adapters.passkeys.ConfirmForm",
    "login_webauthn": "accounts.adapters.passkeys.SignInForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# allauth would also refuse another address to whoever has a factor, and a factor to whoever has proposed an address;
# accounts.adapters.factors asks for the one thing that matters: that the present address is confirmed.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "TaskFlow"

HEADLESS_CLIENTS = ("app",)
HEADLESS_TOKEN_STRATEGY = "accounts.adapters.headless.SessionTokens"
