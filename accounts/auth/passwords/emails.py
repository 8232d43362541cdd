"""Mails to an address that somebody typed who need not be its owner: each says what the owner may do."""

from __future__ import annotations

import secrets
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.db import transaction
from django.urls import reverse
from django.utils.http import urlencode

from accounts.auth import account_emails
from accounts.models import User


def send_account_exists_email(*, email: str) -> None:
    """To whoever is registered already, when somebody registers with their address."""
    words = {"login_path": reverse("login"), "reset_path": reverse("account_reset_password")}
    _enqueue("account_exists", email, words)


def send_no_account_email(*, email: str) -> None:
    """To an address that nobody has, when somebody asks for its lost password."""
    _enqueue("no_account", email, {"register_path": reverse("register")})


def send_password_reset_email(*, user: User, path: str) -> None:
    """A service account has no password to lose."""
    if user.kind == User.Kind.HUMAN:
        _enqueue("password_reset", user.email, {"name": user.name, "reset_path": path})


def send_new_password_link(*, user: User) -> None:
    """The same link as for a lost password, to somebody whose password we have just made unusable."""
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    send_password_reset_email(user=user, path=f"{reverse('account_reset_password_from_key')}?{urlencode({'key': key})}")


@transaction.atomic
def _enqueue(kind: str, to: str, words: dict[str, Any]) -> None:
    account_emails.enqueue(kind=kind, to=to, context=words, dedup_key=secrets.token_hex(16))
