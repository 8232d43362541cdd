"""Emails about an account, queued in the caller's transaction.

The setting ACCOUNT_EMAIL_QUEUE names the app that sends them: it knows this app, and not the reverse.
"""

from __future__ import annotations

import secrets
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.translation import get_language

from accounts.auth.one_time_tokens import make_reset_key, make_verification_key
from accounts.models import User


@transaction.atomic
def enqueue(*, kind: str, to: str, context: dict[str, Any], dedup_key: str = "") -> None:
    """Queue an email of this kind (notifications.kinds.AccountEmailKind).

    `context` has plain values for the templates emails/<kind>/. It is kept encrypted until the email is sent, so it may
    contain a link with a secret. `..._path` becomes `..._link` at this site's address; `..._at`, an ISO instant, is
    written out in the context's `time_zone`. The same `dedup_key` of the same kind queues one email only.
    """
    queue = import_string(settings.ACCOUNT_EMAIL_QUEUE)
    # The user's own language, or else that of the page on which somebody asked for the email.
    context = {"language": get_language() or settings.LANGUAGE_CODE, **context}
    queue(kind=kind, to=to, context=context, dedup_key=dedup_key or secrets.token_hex(16))


def send_verification(address: EmailAddress) -> None:
    """Send the link that verifies an address."""
    query = urlencode({"key": make_verification_key(address)})
    context = {
        "name": address.user.name,
        "language": address.user.language,
        "verify_path": f"{reverse('account_confirm_email')}?{query}",
    }
    enqueue(kind="verify_email", to=address.email, context=context)


def send_account_exists(email: str) -> None:
    """Notify a registered user of a registration with their address."""
    context = {"login_path": reverse("login"), "reset_path": reverse("account_reset_password")}
    enqueue(kind="account_exists", to=email, context=context)


def send_no_account(email: str) -> None:
    """Notify an unknown address of a password reset request for it."""
    enqueue(kind="no_account", to=email, context={"register_path": reverse("register")})


def send_password_reset(user: User) -> None:
    """Send the link to choose a new password. A service account has no password to reset."""
    if user.kind == User.Kind.HUMAN:
        query = urlencode({"key": make_reset_key(user)})
        context = {
            "name": user.name,
            "language": user.language,
            "reset_path": f"{reverse('account_reset_password_from_key')}?{query}",
        }
        enqueue(kind="password_reset", to=user.email, context=context)
