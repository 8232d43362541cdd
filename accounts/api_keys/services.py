"""Creating, rotating and revoking API keys. A key's text is returned once, when it is created, and not stored."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from accounts import events, policies
from accounts.api_keys.scopes import SCOPES, get_resolver
from accounts.auth import account_emails
from accounts.auth.sessions import cache
from accounts.events import api_key_payload, user_payload
from accounts.models import ApiKey, User
from core.db import get_or_404
from core.errors import Conflict, Invalid, require
from core.etags import check_version
from core.security import api_keys
from core.security.claims import parse_network
from events.outbox import publish

MAX_LIFETIME = timedelta(days=366)
DEFAULT_LIFETIME = timedelta(days=90)
MAX_OVERLAP = timedelta(days=7)
DEFAULT_OVERLAP = timedelta(hours=24)
MAX_ACTIVE = 50
USE_RECORD_INTERVAL = timedelta(minutes=5)
RETENTION = timedelta(days=366)


class CreatedKey(NamedTuple):
    """A new key and its text, which is shown once."""

    key: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """Input for a new key. `projects` are ids or keys; `allowed_networks` are like `192.0.2.0/24` or `192.0.2.7`."""

    name: str
    scopes: Collection[str]
    expires_at: datetime | None = None
    projects: Collection[str] = ()
    allowed_networks: Collection[str] = ()


@transaction.atomic
def create_key(*, actor: User, spec: KeySpec, now: datetime, owner: User | None = None) -> CreatedKey:
    """Create a key for the actor or, as an administrator, for a service account.

    Raises NotAllowed, Invalid, and Conflict beyond MAX_ACTIVE keys.
    """
    # The lock on the owner makes the count below exact for concurrent requests.
    owner = User.objects.select_for_update(no_key=True).get(pk=(owner or actor).pk)
    require(policies.can_manage_keys(actor, owner), "You can only create keys for yourself.")
    if ApiKey.objects.open(now).filter(owner=owner).count() >= MAX_ACTIVE:
        raise Conflict(
            gettext("There are already %(max_active)s keys. Revoke some first.") % {"max_active": MAX_ACTIVE},
            code="too_many_keys",
        )
    if unknown := sorted(set(spec.scopes) - set(SCOPES)):
        raise Invalid.field(
            "scopes",
            gettext("Not known: %(unknown)s. Known: %(scopes)s.")
            % {"unknown": unknown[0], "scopes": ", ".join(SCOPES)},
            "invalid_choice",
        )
    if not spec.scopes:
        raise Invalid.field("scopes", gettext("Choose at least one."), "required")
    # The resolver leaves out what the owner cannot see, so a hidden project looks like one that does not exist.
    project_ids = get_resolver().resolve_refs(owner, spec.projects) if spec.projects else {}
    if missing := [ref for ref in spec.projects if ref not in project_ids]:
        raise Invalid.field(
            "projects",
            gettext("There is no such project: %(missing)s.") % {"missing": missing[0][:40]},
            "does_not_exist",
        )
    networks = _validate_networks(spec.allowed_networks)
    expires_at = now + DEFAULT_LIFETIME if spec.expires_at is None else spec.expires_at
    if not now < expires_at <= now + MAX_LIFETIME:
        raise Invalid.field(
            "expires_at",
            gettext("Choose a time within the next %(days)s days.") % {"days": MAX_LIFETIME.days},
            "out_of_range",
        )
    key = ApiKey(
        owner=owner,
        created_by=actor,
        name=spec.name.strip(),
        scopes=[scope for scope in SCOPES if scope in spec.scopes],  # in the order of SCOPES, whatever order was sent
        projects=sorted(set(project_ids.values())),
        allowed_networks=networks,
        created_at=now,
        expires_at=expires_at,
    )
    text = _generate_and_save(key)
    publish(events.ApiKeyCreated(user=user_payload(owner), key=api_key_payload(key)), actor=actor, at=now)
    _send_security_email(key, gettext_noop("An API key was created for your account"), now)
    return CreatedKey(key, text)


@transaction.atomic
def rotate_key(
    *,
    actor: User,
    key_id: uuid.UUID,
    now: datetime,
    overlap: timedelta = DEFAULT_OVERLAP,
    versions: frozenset[int] | None = None,
) -> CreatedKey:
    """Create a successor with the same rights and lifetime; the old key stays valid for `overlap`.

    Raises NotFound, NotAllowed, VersionConflict, and Conflict for a key that has a successor already.
    """
    old = _get_key_for_update(actor, key_id, now, versions)
    require(policies.can_manage_keys(actor, old.owner), "You can only rotate your own keys.")
    new = ApiKey(
        owner=old.owner,
        created_by=actor,
        name=old.name,
        scopes=old.scopes,
        projects=old.projects,
        allowed_networks=old.allowed_networks,
        replaces=old,
        created_at=now,
        expires_at=now + min(MAX_LIFETIME, old.expires_at - old.created_at),
    )
    try:
        text = _generate_and_save(new)
    except IntegrityError as error:
        message = gettext("This key was already rotated. Rotate its successor instead.")
        raise Conflict(message, code="already_rotated") from error
    # The gateway caches the status with its end, so it has to be read again.
    old.expires_at = min(old.expires_at, now + overlap)
    ApiKey.objects.filter(pk=old.pk).update(expires_at=old.expires_at, version=F("version") + 1)
    cache.invalidate_statuses_after_commit([old.pk])
    event = events.ApiKeyRotated(
        user=user_payload(old.owner),
        key=api_key_payload(new),
        replaced_id=str(old.pk),
        old_key_expires_at=old.expires_at.isoformat(),
    )
    publish(event, actor=actor, at=now)
    _send_security_email(new, gettext_noop("An API key of your account was rotated"), now)
    return CreatedKey(new, text)


@transaction.atomic
def revoke_key(*, actor: User, key_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Revoke one of the actor's keys or, as an administrator, any; it is refused from the next request on.

    Raises NotFound, VersionConflict.
    """
    _revoke_keys([_get_key_for_update(actor, key_id, now, versions)], actor, now)


@transaction.atomic
def revoke_all_keys(*, owner: User, actor: User, now: datetime) -> int:
    """Revoke all keys of an account that is closed; return how many there were."""
    open_keys = ApiKey.objects.open(now).filter(owner=owner).select_related("owner")
    keys = list(open_keys.select_for_update(of=("self",)).order_by("pk"))
    _revoke_keys(keys, actor, now)
    return len(keys)


@transaction.atomic
def record_key_use(*, key_id: uuid.UUID, address: str, now: datetime) -> None:
    """Record time and address of a key's use, at most once per USE_RECORD_INTERVAL.

    ApiKeyUsed is published for the first use of a day and for a new address.
    """
    due = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RECORD_INTERVAL)
    unrecorded = ApiKey.objects.open(now).filter(due, pk=key_id).select_related("owner")
    # skip_locked: another process records the same use.
    key = unrecorded.select_for_update(of=("self",), skip_locked=True).first()
    if key is None:
        return
    is_notable = key.last_used_at is None or key.last_used_at.date() != now.date() or key.last_used_ip != address
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=now, last_used_ip=address)
    if is_notable:
        event = events.ApiKeyUsed(user=user_payload(key.owner), key=api_key_payload(key), address=address)
        publish(event, actor=key.owner, at=now)


def purge_keys(*, now: datetime) -> int:
    """Delete keys that expired more than RETENTION ago; return the number of deleted rows."""
    return ApiKey.objects.filter(expires_at__lt=now - RETENTION).delete()[0]


def _generate_and_save(key: ApiKey) -> str:
    text, presented = api_keys.generate()
    key.prefix, key.digest = presented.prefix, presented.digest
    key.save(force_insert=True)
    return text


def _send_security_email(key: ApiKey, headline: str, now: datetime) -> None:
    """Email the owner: a key is what an attacker with a stolen session creates first."""
    owner = key.owner
    if owner.is_service:  # has no mailbox
        return
    context = {
        "name": owner.name,
        "headline": headline,
        "time_zone": owner.time_zone,
        "language": owner.language,
        "occurred_at": now.isoformat(),
        "security_path": reverse("settings-api-keys"),
        "reset_path": reverse("account_reset_password"),
    }
    account_emails.enqueue(kind="security_changed", to=owner.email, context=context, dedup_key=str(key.pk))


def _get_key_for_update(actor: User, key_id: uuid.UUID, now: datetime, versions: frozenset[int] | None) -> ApiKey:
    """Lock an open key visible to the actor. Raises NotFound, VersionConflict."""
    visible = ApiKey.objects.open(now).visible_to(actor).filter(pk=key_id).select_related("owner")
    key = get_or_404(visible.select_for_update(of=("self",)), "There is no such key.")
    check_version(key, versions)
    return key


def _revoke_keys(keys: Collection[ApiKey], actor: User, now: datetime) -> None:
    ids = [key.pk for key in keys]
    ApiKey.objects.filter(pk__in=ids).update(revoked_at=now, version=F("version") + 1)
    # All nodes refuse the keys from the commit on, even if they have cached their status.
    cache.mark_revoked_after_commit(ids)
    for key in keys:
        publish(events.ApiKeyRevoked(user=user_payload(key.owner), key=api_key_payload(key)), actor=actor, at=now)


def _validate_networks(texts: Collection[str]) -> list[str]:
    """Return the networks in canonical form, sorted and without duplicates."""
    networks = set()
    for text in texts:
        try:
            # Stored as text: the gateway compares them without a database.
            networks.add(str(parse_network(text)))
        except ValueError as error:
            raise Invalid.field("allowed_networks", str(error), "invalid") from error
    return sorted(networks)
