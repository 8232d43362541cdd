"""Mails to an address that somebody typed who need not be its owner: each says what the owner may do."""

from __future__ import annotations

import secrets
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.db import transaction
from django.urls import reverse
from django.utils.http import urlencode

from accounts import mails
from accounts.models import User


def mail_account_exists(*, email: str) -> None:
    """To whoever is registered already, when somebody registers with their address."""
    words = {"login_path": reverse("login"), "reset_path": reverse("account_reset_password")}
    _queue("account_exists", email, words)


def mail_no_account(*, email: str) -> None:
    """To an address that nobody has, when somebody asks for its lost password."""
    _queue("no_account", email, {"register_path": reverse("register")})


def mail_reset_link(*, person: User, path: str) -> None:
    """A service account has no password to lose."""
    if person.kind == User.Kind.PERSON:
        _queue("password_reset", person.email, {"name": person.name, "reset_path": path})


def mail_new_password_link(*, person: User) -> None:
    """The same link as for a lost password, to somebody whose password we have just made unusable."""
    key = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    mail_reset_link(person=person, path=f"{reverse('account_reset_password_from_key')}?{urlencode({'key': key})}")


@transaction.atomic
def _queue(kind: str, to: str, words: dict[str, Any]) -> None:
    mails.queue(kind=kind, to=to, words=words, key=secrets.token_hex(16))
