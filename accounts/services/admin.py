"""What administrators do with the accounts of others. Nobody is deleted: what a person did refers to them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from accounts import cache, events, links, policies
from accounts.models import Departure, Session, User
from accounts.passwords import asked_first
from accounts.services.addresses import take_address
from accounts.services.keys import revoke_all_keys
from accounts.services.passwords import end_other_ways_in
from accounts.services.sessions import end
from accounts.services.users import check_password_strength, public, register
from core.db import violated_constraint
from core.errors import Conflict, Invalid, NotFound, Stale
from events.publishing import publish

PERSON_FIELDS = frozenset({"name", "email", "handle", "role", "tier", "is_active", "time_zone", "language"})


@asked_first
@transaction.atomic
def create_person(*, actor: User, email: str, name: str, password: str, role: str, tier: str, now: datetime) -> User:
    """Register somebody else, with a role and a tier."""
    policies.require_manager(actor)
    person = register(email=email, name=name, password=password)
    return update_person(actor=actor, person_id=person.pk, changes={"role": role, "tier": tier}, now=now)


@transaction.atomic
def update_person(
    *, actor: User, person_id: uuid.UUID, changes: dict[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> User:
    """Change the given fields of PERSON_FIELDS; a person who is deactivated is signed out everywhere.

    To deactivate somebody who is leaving ends their way back; name `is_active` only where that was decided.
    """
    policies.require_manager(actor)
    if unknown := set(changes) - PERSON_FIELDS:
        raise ValueError(f"not for an administrator to change: {unknown}")
    person = lock_person(person_id, changes)
    if person.erased_at is not None:
        raise Conflict("This person is gone for good; there is nobody to change.", code="erased")
    if versions is not None and person.version not in versions:
        raise Stale(version=person.version, current={n: getattr(person, n) for n in changes}, wanted=changes)
    if person.is_service and changes.get("role") == User.Role.ADMIN:
        raise Conflict("A service account is never an administrator.", code="service_account")
    changed = {
        name: [getattr(person, name), value] for name, value in changes.items() if getattr(person, name) != value
    }
    if changed:
        _save(person, {name: new for name, (_, new) in changed.items()})
        publish(events.UserUpdated(user=public(person), changes=changed), actor=actor, at=now)
    if "email" in changed:
        take_address(person=person, email=person.email)
    if "is_active" in changed:
        _open_or_close(person, actor, now)
    elif changes.get("is_active") is False:
        _end_way_back(person, actor, now)
    return person


@transaction.atomic
def appoint_admin(*, email: str, now: datetime) -> User:
    """Make a registered person an administrator: how whoever runs the machine appoints the first one."""
    person: User | None = User.objects.active().select_for_update().filter(email=email.strip().lower()).first()
    if person is None:
        raise NotFound("Nobody active is registered with this address.")
    if not person.is_admin:
        changes = {"role": [person.role, User.Role.ADMIN.value]}
        _save(person, {"role": User.Role.ADMIN})
        publish(events.UserUpdated(user=public(person), changes=changes), actor=None, at=now)
    return person


@asked_first
@transaction.atomic
def set_password(*, actor: User, person_id: uuid.UUID, password: str, now: datetime) -> User:
    """Give a person another password and end every session, browsers' too, and what else may be a stranger's way in."""
    policies.require_manager(actor)
    person = lock_person(person_id, {})
    if person.is_service:
        raise Conflict("A service account has no password.", code="no_password")
    check_password_strength(password, person)
    person.set_password(password)
    _save(person, {"password": person.password})
    publish(events.UserUpdated(user=public(person), changes={"password": ["hidden", "hidden"]}), actor=actor, at=now)
    reason = "password set by an administrator"
    end(Session.objects.open(now).filter(user=person), actor=actor, now=now, reason=reason)
    end_other_ways_in(person=person, actor=actor, now=now)
    return person


@transaction.atomic
def end_sessions(*, actor: User, session_ids: Collection[uuid.UUID], now: datetime) -> int:
    """End sessions of whomever they belong to; returns how many were open."""
    policies.require_manager(actor)
    chosen = Session.objects.open(now).filter(pk__in=session_ids)
    return end(chosen, actor=actor, now=now, reason="ended by an administrator")


def _open_or_close(person: User, actor: User, now: datetime) -> None:
    if person.is_active:
        Departure.objects.filter(user=person).delete()
        return
    end(Session.objects.open(now).filter(user=person), actor=actor, now=now, reason="deactivated")
    revoke_all_keys(owner=person, actor=actor, now=now)


def _end_way_back(person: User, actor: User, now: datetime) -> None:
    """The link in the mail of somebody who is leaving opens nothing any more; the erasure stays due."""
    if Departure.objects.filter(user=person).update(secret_hash=links.new_link().hash):
        publish(events.UserUpdated(user=public(person), changes={"way_back": [True, False]}), actor=actor, at=now)


def lock_person(person_id: uuid.UUID, changes: dict[str, Any]) -> User:
    """Lock the person and all administrators in one order, so that two of them cannot dismiss each other."""
    admins = Q(role=User.Role.ADMIN, is_active=True)
    locked = {one.pk: one for one in User.objects.select_for_update().filter(admins | Q(pk=person_id)).order_by("pk")}
    person: User | None = locked.get(person_id)
    if person is None:
        raise NotFound("There is no such person.")
    was = person.is_admin and person.is_active
    stays = changes.get("role", person.role) == User.Role.ADMIN and changes.get("is_active", person.is_active)
    others = [one for one in locked.values() if one.pk != person.pk]
    if was and not stays and not others:
        raise Conflict("This is the only active administrator; appoint another one first.", code="last_admin")
    return person


def _save(person: User, columns: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            User.objects.filter(pk=person.pk).update(**columns, version=F("version") + 1)
    except IntegrityError as error:
        name = "handle" if "handle" in violated_constraint(error) else "email"
        raise Invalid.field(name, f"Somebody has this {name} already.", "taken") from error
    person.refresh_from_db()
    cache.forget_person(person.pk)
