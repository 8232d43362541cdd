"""Accounts of programs: made and managed by administrators, without a password, signed in by API keys alone."""

from __future__ import annotations

import re
import unicodedata
import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import policies
from accounts.api_keys.service_accounts import selectors
from accounts.models import User
from accounts.users import services as users
from accounts.users.administration import update_user
from core.errors import Invalid

SERVICE_ACCOUNT_ROLES = ("user", "staff")
# No mail can be sent there (RFC 2606, section 2).
EMAIL_DOMAIN = "service.invalid"


@transaction.atomic
def create_service_account(*, actor: User, name: str, role: str = "user") -> User:
    """Create an account for a program; its handle follows from its name."""
    _require_manager_and_role(actor, role)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32] or "service"
    account = User(
        name=name.strip(),
        email=f"{words}@{uuid.uuid4().hex[:12]}.{EMAIL_DOMAIN}",
        kind=User.Kind.SERVICE,
        role=role,
        tier=User.Tier.SERVICE,
    )
    account.set_unusable_password()
    users.create_user(account)
    return account


@transaction.atomic
def update_service_account(
    *,
    actor: User,
    account_id: uuid.UUID,
    changes: dict[str, Any],
    now: datetime,
    versions: frozenset[int] | None = None,
) -> User:
    """Change its name, role, tier, or whether it is active; one that is deactivated loses its keys."""
    _require_manager_and_role(actor, changes.get("role", "user"))
    selectors.get_service_account(actor, account_id)
    return update_user(actor=actor, user_id=account_id, changes=changes, now=now, versions=versions)


def _require_manager_and_role(actor: User, role: str) -> None:
    policies.require_manager(actor)
    if role not in SERVICE_ACCOUNT_ROLES:
        raise Invalid.field("role", "A program is never an administrator.", "invalid_choice")
