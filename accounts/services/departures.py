"""Leaving: an account is closed at once, can be opened again for a while, and is then erased."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import structlog
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import CASCADE, F

from accounts import cache, events, links, mails
from accounts.models import Departure, Invitation, User
from accounts.services.admin import lock_person
from accounts.services.keys import revoke_all_keys
from accounts.services.sessions import revoke_all_sessions
from accounts.services.users import public, require_password
from core.errors import Invalid, NotFound, NotSignedIn
from core.personal import keepers
from events.publishing import publish

GRACE = timedelta(days=14)
FORMER = "Former member"
# What hangs on a person in these apps is about the person alone, and goes along; others say for themselves.
OWN_APPS = frozenset({"accounts", "account", "mfa", "socialaccount", "admin"})
BLANK = {"avatar": "", "time_zone": "UTC", "language": "en", "role": User.Role.USER, "tier": User.Tier.FREE}
log = structlog.get_logger(__name__)


@transaction.atomic
def leave(*, actor: User, confirmation: str, now: datetime) -> Departure:
    """Close one's own account, and erase it after GRACE; the mail tells how to come back until then.

    `confirmation` is the password or, for somebody who signs in without one, the e-mail address.
    """
    person = lock_person(actor.pk, {"is_active": False})
    if not person.is_active:
        raise NotSignedIn("This account is closed already.")
    _check(person, confirmation)
    link = links.new_link()
    departure = Departure.objects.create(user=person, secret_hash=link.hash, requested_at=now, due_at=now + GRACE)
    _set_active(person, False)
    revoke_all_sessions(actor=person, now=now)
    revoke_all_keys(owner=person, actor=person, now=now)
    words = {
        "name": person.name,
        "stay_path": link.path("stay"),
        "until_at": departure.due_at.isoformat(),
        "time_zone": person.time_zone,
    }
    mails.queue(kind="leaving", to=person.email, words=words, key=link.hash)
    publish(events.UserLeaving(user=public(person), due_at=departure.due_at.isoformat()), actor=person, at=now)
    return departure


@transaction.atomic
def stay(*, token: str, now: datetime) -> User:
    """Open a closed account again, by the link in the mail."""
    mine = Departure.objects.filter(secret_hash=links.hash_of(token), due_at__gt=now)
    # The person first, as all who open, close or erase an account do; then whether the link is still good.
    locked = User.objects.select_for_update(no_key=True)
    person: User | None = locked.filter(pk__in=mine.values("user")).first()
    if person is None or not mine.filter(user=person).delete()[0]:
        raise NotFound("This link is not valid: it was used already, or the account is gone.")
    if not person.is_active:
        _set_active(person, True)
    publish(events.UserStayed(user=public(person)), actor=person, at=now)
    return person


def erase_the_departed(*, now: datetime) -> int:
    """Erase those whose time is over, each in a transaction of its own; returns how many."""
    due = Departure.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)
    return sum(_tried(person_id, now) for person_id in list(due))


def _tried(person_id: uuid.UUID, now: datetime) -> bool:
    try:
        return _erase(person_id, now)
    except Exception:  # the boundary: whom it cannot erase now must not keep the others, and is tried again
        log.exception("person_not_erased", user=str(person_id))
        return False


@transaction.atomic
def _erase(person_id: uuid.UUID, now: datetime) -> bool:
    """Whoever came back, or was let in again by an administrator, is not erased."""
    person = User.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=person_id).first()
    due = Departure.objects.filter(pk=person_id, due_at__lte=now)
    if person is None or not due.exists():
        return False
    if person.is_active:
        due.delete()
        return False
    publish(events.UserErased(user={"id": str(person_id)}), actor=None, at=now)
    for keeper in keepers():
        keeper.forget(person_id, now)
    log.info("person_erased", user=str(person_id))
    return True


def forget(person_id: uuid.UUID, now: datetime) -> None:
    """This app's share: the person becomes a row without a name, and what hung on them goes."""
    person: User = User.objects.get(pk=person_id)
    Invitation.objects.filter(inviter=person).delete()
    Invitation.objects.filter(accepted_by=person).delete()
    Invitation.objects.filter(email=person.email).delete()
    LogEntry.objects.filter(object_id=str(person_id)).delete()
    for relation in User._meta.related_objects:
        of_own = relation.related_model._meta.app_label in OWN_APPS
        if of_own and relation.on_delete is CASCADE:
            relation.related_model._base_manager.filter(**{relation.field.name: person}).delete()
    nobody = {"name": FORMER, "email": f"{person_id}@erased.invalid", "handle": f"former-{person_id.hex}", **BLANK}
    person.set_unusable_password()
    columns = {**nobody, "password": person.password, "is_active": False, "erased_at": now, "last_login": None}
    User.objects.filter(pk=person_id).update(**columns, version=F("version") + 1)
    cache.forget_person(person_id)


def _check(person: User, confirmation: str) -> None:
    if person.has_usable_password():
        require_password(person, confirmation, field="confirmation")
    elif confirmation.strip().lower() != person.email:
        raise Invalid.field("confirmation", "Type your e-mail address.", "another_address")


def _set_active(person: User, active: bool) -> None:
    User.objects.filter(pk=person.pk).update(is_active=active, version=F("version") + 1)
    person.refresh_from_db()
    cache.forget_person(person.pk)
    change = {"is_active": [not active, active]}
    publish(events.UserUpdated(user=public(person), changes=change), actor=person)
