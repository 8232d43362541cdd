"""API keys: minting, rotating, revoking. The text of a key is in the answer of whoever minted it, and nowhere else."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.urls import reverse

from accounts import cache, events, mails, policies
from accounts.models import ApiKey, User
from accounts.scopes import SCOPES, places
from accounts.services.users import public
from core.errors import Conflict, Invalid, NotFound, Stale
from events.publishing import publish
from gateway import api_keys

LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)
LONGEST_OVERLAP = timedelta(days=7)
USUAL_OVERLAP = timedelta(hours=24)
MOST_OPEN = 50
NOTED = timedelta(minutes=5)
KEPT_AFTER_END = timedelta(days=366)
WIDEST_IPV6 = 64
MAPPED, MOST_IPV4 = ipaddress.IPv6Network("::ffff:0:0/96"), 2**32 - 1
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Minted(NamedTuple):
    """A new key, and its text, which is shown once."""

    key: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft:
    """What a key is to be; `projects` are ids or keys, `addresses` networks like `192.0.2.0/24` or single addresses."""

    name: str
    scopes: Collection[str]
    expires_at: datetime | None = None
    projects: Collection[str] = ()
    addresses: Collection[str] = ()


@transaction.atomic
def create_key(*, actor: User, draft: KeyDraft, now: datetime, owner: User | None = None) -> Minted:
    """Mint a key for the actor or, as an administrator, for a service account."""
    owner = User.objects.select_for_update(no_key=True).get(pk=(owner or actor).pk)
    policies.require(policies.can_manage_keys(actor, owner), "Keys of others are not yours to make.")
    if ApiKey.objects.open(now).filter(owner=owner).count() >= MOST_OPEN:
        raise Conflict(f"There are {MOST_OPEN} keys already; revoke some first.", code="too_many_keys")
    key = ApiKey(
        owner=owner,
        created_by=actor,
        name=draft.name.strip(),
        scopes=_scopes(draft.scopes),
        projects=_projects(owner, draft.projects),
        addresses=_networks(draft.addresses),
        created_at=now,
        expires_at=_end(draft.expires_at, now),
    )
    text = _mint(key)
    publish(events.KeyCreated(user=public(owner), key=described(key)), actor=actor, at=now)
    _tell(key, "Somebody made an API key for your account", now)
    return Minted(key, text)


@transaction.atomic
def rotate_key(
    *,
    actor: User,
    key_id: uuid.UUID,
    now: datetime,
    overlap: timedelta = USUAL_OVERLAP,
    versions: frozenset[int] | None = None,
) -> Minted:
    """Mint a successor that may do the same for as long again; the old key goes on for `overlap`, then it ends."""
    old = _lock(actor, key_id, now, versions)
    policies.require(policies.can_manage_keys(actor, old.owner), "Keys of others are not yours to rotate.")
    until = min(old.expires_at, now + overlap)
    new = ApiKey(
        owner=old.owner,
        created_by=actor,
        name=old.name,
        scopes=old.scopes,
        projects=old.projects,
        addresses=old.addresses,
        replaces=old,
        created_at=now,
        expires_at=now + min(LONGEST, old.expires_at - old.created_at),
    )
    try:
        with transaction.atomic():
            text = _mint(new)
    except IntegrityError as error:
        raise Conflict("This key has a successor already; rotate that one.", code="rotated_already") from error
    ApiKey.objects.filter(pk=old.pk).update(expires_at=until, version=F("version") + 1)
    old.expires_at = until
    cache.forget_sessions_after_commit([old.pk])
    fact = events.KeyRotated(
        user=public(old.owner), key=described(new), replaced_id=str(old.pk), until=until.isoformat()
    )
    publish(fact, actor=actor, at=now)
    _tell(new, "Somebody replaced an API key of your account", now)
    return Minted(new, text)


@transaction.atomic
def revoke_key(*, actor: User, key_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """End a key of one's own or, as an administrator, any; it is refused from the next request on, on every node."""
    _end_all([_lock(actor, key_id, now, versions)], actor, now)


@transaction.atomic
def revoke_all_keys(*, owner: User, actor: User, now: datetime) -> int:
    """End every key of an account, as when it is closed; returns how many there were."""
    found = ApiKey.objects.open(now).filter(owner=owner).select_related("owner")
    ended = list(found.select_for_update(of=("self",)).order_by("pk"))
    _end_all(ended, actor, now)
    return len(ended)


@transaction.atomic
def note_key_use(*, key_id: uuid.UUID, address: str, now: datetime) -> None:
    """Write down when and from where a key was used, rarely: what was noted within NOTED is not noted again."""
    unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED)
    found = ApiKey.objects.open(now).filter(unnoted, pk=key_id).select_related("owner")
    key = found.select_for_update(of=("self",), skip_locked=True).first()
    if key is None:
        return
    is_news = key.last_used_at is None or key.last_used_at.date() != now.date() or key.last_used_address != address
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=now, last_used_address=address)
    if is_news:
        publish(events.KeyUsed(user=public(key.owner), key=described(key), address=address), actor=key.owner, at=now)


def purge_keys(*, now: datetime) -> int:
    """Remove keys that ended long ago; returns how many."""
    removed, _ = ApiKey.objects.filter(expires_at__lt=now - KEPT_AFTER_END).delete()
    return removed


def described(key: ApiKey) -> dict[str, Any]:
    return {"id": str(key.pk), "name": key.name, "shown": key.shown, "scopes": list(key.scopes)}


def _mint(key: ApiKey) -> str:
    text, offered = api_keys.mint()
    key.prefix, key.digest = offered.prefix, offered.digest
    key.save(force_insert=True)
    return text


def _tell(key: ApiKey, headline: str, now: datetime) -> None:
    """Mail the person: what whoever stole a session would make first is a key. A program has no mailbox."""
    owner = key.owner
    if owner.is_service:
        return
    words = {
        "name": owner.name,
        "headline": headline,
        "time_zone": owner.time_zone,
        "happened_at": now.isoformat(),
        "security_path": reverse("settings-keys"),
        "reset_path": reverse("account_reset_password"),
    }
    mails.queue(kind="security_changed", to=owner.email, words=words, key=str(key.pk))


def _lock(actor: User, key_id: uuid.UUID, now: datetime, versions: frozenset[int] | None) -> ApiKey:
    found = ApiKey.objects.open(now).visible_to(actor).filter(pk=key_id).select_related("owner")
    key = found.select_for_update(of=("self",)).first()
    if key is None:
        raise NotFound("There is no such key.")
    if versions is not None and key.version not in versions:
        raise Stale(version=key.version, current={}, wanted={})
    return key


def _end_all(ended: Collection[ApiKey], actor: User, now: datetime) -> None:
    ids = [key.pk for key in ended]
    ApiKey.objects.filter(pk__in=ids).update(revoked_at=now, version=F("version") + 1)
    cache.refuse_after_commit(ids)
    for key in ended:
        publish(events.KeyRevoked(user=public(key.owner), key=described(key)), actor=actor, at=now)


def _scopes(wanted: Collection[str]) -> list[str]:
    if unknown := sorted(set(wanted) - set(SCOPES)):
        raise Invalid.field("scopes", f"Not known: {unknown[0]}. Known: {', '.join(SCOPES)}.", "invalid_choice")
    if not wanted:
        raise Invalid.field("scopes", "Name at least one.", "required")
    return [scope for scope in SCOPES if scope in wanted]


def _projects(owner: User, wanted: Collection[str]) -> list[uuid.UUID]:
    found = places().named(owner, wanted) if wanted else {}
    if unknown := [name for name in wanted if name not in found]:
        raise Invalid.field("projects", f"There is no such project: {unknown[0][:40]}.", "does_not_exist")
    return sorted(set(found.values()))


def _networks(wanted: Collection[str]) -> list[str]:
    """Return them in one spelling; of an IPv6 caller no more than the /64 is known."""
    found = []
    for text in wanted:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError as error:
            words = f"Not an address or a network: {text[:60]}. Write 192.0.2.7 or 192.0.2.0/24."
            raise Invalid.field("addresses", words, "invalid") from error
        found.append(str(_as_seen(network)))
    return sorted(set(found))


def _as_seen(network: Network) -> Network:
    """Return the network as callers from it are known: an IPv4 address written as an IPv6 one is IPv4."""
    if network.version == 4 or network.prefixlen <= WIDEST_IPV6:
        return network
    if network.subnet_of(MAPPED):
        return ipaddress.IPv4Network((int(network.network_address) & MOST_IPV4, network.prefixlen - MAPPED.prefixlen))
    if network.overlaps(MAPPED):
        raise Invalid.field("addresses", f"Not clear: {network}. Write IPv4 networks like 192.0.2.0/24.", "invalid")
    return network.supernet(new_prefix=WIDEST_IPV6)


def _end(wanted: datetime | None, now: datetime) -> datetime:
    if wanted is None:
        return now + USUAL
    if not now < wanted <= now + LONGEST:
        raise Invalid.field("expires_at", f"Choose a moment within the next {LONGEST.days} days.", "out_of_range")
    return wanted
