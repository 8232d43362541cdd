"""API keys: minting, rotating, revoking. The text of a key is in the answer of whoever minted it, and nowhere else."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.urls import reverse

from accounts import events, policies
from accounts.api_keys.scopes import SCOPES, get_resolver
from accounts.auth import account_emails
from accounts.auth.sessions import cache
from accounts.events import api_key_payload, user_payload
from accounts.models import ApiKey, User
from core.errors import Conflict, Invalid, NotFound, VersionConflict
from core.security import api_keys
from events.outbox import publish

MAX_LIFETIME = timedelta(days=366)
DEFAULT_LIFETIME = timedelta(days=90)
MAX_OVERLAP = timedelta(days=7)
DEFAULT_OVERLAP = timedelta(hours=24)
MAX_ACTIVE = 50
USE_RECORD_INTERVAL = timedelta(minutes=5)
RETENTION = timedelta(days=366)
MAX_IPV6_PREFIX_LENGTH = 64
IPV4_MAPPED_NETWORK, MAX_IPV4 = ipaddress.IPv6Network("::ffff:0:0/96"), 2**32 - 1
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class CreatedKey(NamedTuple):
    """A new key, and its text, which is shown once."""

    key: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """What a key is to be; `projects` are ids or keys, `allowed_networks` networks like `192.0.2.0/24` or single addresses."""

    name: str
    scopes: Collection[str]
    expires_at: datetime | None = None
    projects: Collection[str] = ()
    allowed_networks: Collection[str] = ()


@transaction.atomic
def create_key(*, actor: User, draft: KeySpec, now: datetime, owner: User | None = None) -> CreatedKey:
    """Mint a key for the actor or, as an administrator, for a service account."""
    owner = User.objects.select_for_update(no_key=True).get(pk=(owner or actor).pk)
    policies.require(policies.can_manage_keys(actor, owner), "Keys of others are not yours to make.")
    if ApiKey.objects.open(now).filter(owner=owner).count() >= MAX_ACTIVE:
        raise Conflict(f"There are {MAX_ACTIVE} keys already; revoke some first.", code="too_many_keys")
    key = ApiKey(
        owner=owner,
        created_by=actor,
        name=draft.name.strip(),
        scopes=_validate_scopes(draft.scopes),
        projects=_resolve_projects(owner, draft.projects),
        allowed_networks=_validate_networks(draft.allowed_networks),
        created_at=now,
        expires_at=_validate_expiry(draft.expires_at, now),
    )
    text = _generate_and_save(key)
    publish(events.ApiKeyCreated(user=user_payload(owner), key=api_key_payload(key)), actor=actor, at=now)
    _send_security_email(key, "Somebody made an API key for your account", now)
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
    """Mint a successor that may do the same for as long again; the old key goes on for `overlap`, then it ends."""
    old = _get_key_for_update(actor, key_id, now, versions)
    policies.require(policies.can_manage_keys(actor, old.owner), "Keys of others are not yours to rotate.")
    until = min(old.expires_at, now + overlap)
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
        with transaction.atomic():
            text = _generate_and_save(new)
    except IntegrityError as error:
        raise Conflict("This key has a successor already; rotate that one.", code="already_rotated") from error
    ApiKey.objects.filter(pk=old.pk).update(expires_at=until, version=F("version") + 1)
    old.expires_at = until
    cache.invalidate_statuses_after_commit([old.pk])
    fact = events.ApiKeyRotated(
        user=user_payload(old.owner), key=api_key_payload(new), replaced_id=str(old.pk), until=until.isoformat()
    )
    publish(fact, actor=actor, at=now)
    _send_security_email(new, "Somebody replaced an API key of your account", now)
    return CreatedKey(new, text)


@transaction.atomic
def revoke_key(*, actor: User, key_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """End a key of one's own or, as an administrator, any; it is refused from the next request on, on every node."""
    _revoke_keys([_get_key_for_update(actor, key_id, now, versions)], actor, now)


@transaction.atomic
def revoke_all_keys(*, owner: User, actor: User, now: datetime) -> int:
    """End every key of an account, as when it is closed; returns how many there were."""
    found = ApiKey.objects.open(now).filter(owner=owner).select_related("owner")
    ended = list(found.select_for_update(of=("self",)).order_by("pk"))
    _revoke_keys(ended, actor, now)
    return len(ended)


@transaction.atomic
def record_key_use(*, key_id: uuid.UUID, address: str, now: datetime) -> None:
    """Write down when and from where a key was used, rarely: what was noted within NOTED is not noted again."""
    unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RECORD_INTERVAL)
    found = ApiKey.objects.open(now).filter(unnoted, pk=key_id).select_related("owner")
    key = found.select_for_update(of=("self",), skip_locked=True).first()
    if key is None:
        return
    is_news = key.last_used_at is None or key.last_used_at.date() != now.date() or key.last_used_ip != address
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=now, last_used_ip=address)
    if is_news:
        publish(
            events.ApiKeyUsed(user=user_payload(key.owner), key=api_key_payload(key), address=address),
            actor=key.owner,
            at=now,
        )


def purge_keys(*, now: datetime) -> int:
    """Remove keys that ended long ago; returns how many."""
    removed, _ = ApiKey.objects.filter(expires_at__lt=now - RETENTION).delete()
    return removed


def _generate_and_save(key: ApiKey) -> str:
    text, offered = api_keys.generate()
    key.prefix, key.digest = offered.prefix, offered.digest
    key.save(force_insert=True)
    return text


def _send_security_email(key: ApiKey, headline: str, now: datetime) -> None:
    """Mail the person: what whoever stole a session would make first is a key. A program has no mailbox."""
    owner = key.owner
    if owner.is_service:
        return
    words = {
        "name": owner.name,
        "headline": headline,
        "time_zone": owner.time_zone,
        "occurred_at": now.isoformat(),
        "security_path": reverse("settings-api-keys"),
        "reset_path": reverse("account_reset_password"),
    }
    account_emails.enqueue(kind="security_changed", to=owner.email, context=words, dedup_key=str(key.pk))


def _get_key_for_update(actor: User, key_id: uuid.UUID, now: datetime, versions: frozenset[int] | None) -> ApiKey:
    found = ApiKey.objects.open(now).visible_to(actor).filter(pk=key_id).select_related("owner")
    key = found.select_for_update(of=("self",)).first()
    if key is None:
        raise NotFound("There is no such key.")
    if versions is not None and key.version not in versions:
        raise VersionConflict(version=key.version, current={}, wanted={})
    return key


def _revoke_keys(ended: Collection[ApiKey], actor: User, now: datetime) -> None:
    ids = [key.pk for key in ended]
    ApiKey.objects.filter(pk__in=ids).update(revoked_at=now, version=F("version") + 1)
    cache.mark_revoked_after_commit(ids)
    for key in ended:
        publish(events.ApiKeyRevoked(user=user_payload(key.owner), key=api_key_payload(key)), actor=actor, at=now)


def _validate_scopes(wanted: Collection[str]) -> list[str]:
    if unknown := sorted(set(wanted) - set(SCOPES)):
        raise Invalid.field("scopes", f"Not known: {unknown[0]}. Known: {', '.join(SCOPES)}.", "invalid_choice")
    if not wanted:
        raise Invalid.field("scopes", "Name at least one.", "required")
    return [scope for scope in SCOPES if scope in wanted]


def _resolve_projects(owner: User, wanted: Collection[str]) -> list[uuid.UUID]:
    found = get_resolver().resolve_refs(owner, wanted) if wanted else {}
    if unknown := [name for name in wanted if name not in found]:
        raise Invalid.field("projects", f"There is no such project: {unknown[0][:40]}.", "does_not_exist")
    return sorted(set(found.values()))


def _validate_networks(wanted: Collection[str]) -> list[str]:
    """Return them in one spelling; of an IPv6 caller no more than the /64 is known."""
    found = []
    for text in wanted:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError as error:
            words = f"Not an address or a network: {text[:60]}. Write 192.0.2.7 or 192.0.2.0/24."
            raise Invalid.field("allowed_networks", words, "invalid") from error
        found.append(str(_normalize_network(network)))
    return sorted(set(found))


def _normalize_network(network: Network) -> Network:
    """Return the network as callers from it are known: an IPv4 address written as an IPv6 one is IPv4."""
    if network.version == 4 or network.prefixlen <= MAX_IPV6_PREFIX_LENGTH:
        return network
    if network.subnet_of(IPV4_MAPPED_NETWORK):
        return ipaddress.IPv4Network(
            (int(network.network_address) & MAX_IPV4, network.prefixlen - IPV4_MAPPED_NETWORK.prefixlen)
        )
    if network.overlaps(IPV4_MAPPED_NETWORK):
        raise Invalid.field(
            "allowed_networks", f"Not clear: {network}. Write IPv4 networks like 192.0.2.0/24.", "invalid"
        )
    return network.supernet(new_prefix=MAX_IPV6_PREFIX_LENGTH)


def _validate_expiry(wanted: datetime | None, now: datetime) -> datetime:
    if wanted is None:
        return now + DEFAULT_LIFETIME
    if not now < wanted <= now + MAX_LIFETIME:
        raise Invalid.field("expires_at", f"Choose a moment within the next {MAX_LIFETIME.days} days.", "out_of_range")
    return wanted
