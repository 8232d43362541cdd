"""Service accounts: managed by administrators, without a password, signed in by API keys only."""

from __future__ import annotations

import re
import unicodedata
import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from accounts import policies
from accounts.api_keys import selectors
from accounts.models import User
from accounts.users import services as users
from accounts.users.administration import update_user
from core.errors import Invalid

SERVICE_ACCOUNT_ROLES = ("user", "staff")
# A reserved domain, to which no mail can be sent (RFC 2606, section 2).
EMAIL_DOMAIN = "service.invalid"


@transaction.atomic
def create_service_account(*, actor: User, name: str, role: str = "user") -> User:
    """Create a service account; its handle is made from its name. Raises NotAllowed, Invalid."""
    _require_manager_and_role(actor, role)
    # The handle is made from the local part of the address, so the name goes there; the UUID keeps it unique.
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:32] or "service"
    account = User(
        name=name.strip(),
        email=f"{slug}@{uuid.uuid4().hex[:12]}.{EMAIL_DOMAIN}",
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
    """Change name, role, tier or activation; deactivating revokes the account's keys.

    Raises NotFound, NotAllowed, Invalid, VersionConflict.
    """
    _require_manager_and_role(actor, changes.get("role", "user"))
    selectors.get_service_account(actor, account_id)
    return update_user(actor=actor, user_id=account_id, changes=changes, now=now, versions=versions)


def _require_manager_and_role(actor: User, role: str) -> None:
    policies.require_manager(actor)
    if role not in SERVICE_ACCOUNT_ROLES:
        raise Invalid.field("role", gettext("A service account cannot be an administrator."), "invalid_choice")
