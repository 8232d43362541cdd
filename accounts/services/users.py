from __future__ import annotations

import re
import zoneinfo
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate as check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts import cache, events
from accounts.models import User
from accounts.passwords import asked_first
from core.db import violated_constraint
from core.errors import FieldError, Invalid, NotSignedIn, Stale
from events.publishing import publish

PROFILE_FIELDS = frozenset({"name", "time_zone", "language", "week_start", "theme", "density", "shortcuts"})
HANDLE_TRIES = 20
# The code of a refusal that says: this secret is not the right one.
WRONG = "wrong"


@asked_first
@transaction.atomic
def register(*, email: str, name: str, password: str, is_verified: bool = False) -> User:
    """Create a person with a handle of their own; a taken address or a weak password is refused by name.

    `is_verified`: the address is known to be theirs.
    """
    person = User(email=email.strip().lower(), name=name.strip())
    check_password_strength(password, person)
    person.set_password(password)
    enrol(person)
    EmailAddress.objects.create(user=person, email=person.email, verified=is_verified, primary=True)
    return person


@transaction.atomic
def enrol(person: User) -> None:
    """Save a new person under the first handle that is free."""
    base = re.sub(r"[^a-z0-9._-]", "", person.email.split("@")[0]).lstrip("._-")[:32] or "person"
    for attempt in range(HANDLE_TRIES):
        person.handle = base if attempt == 0 else f"{base}{attempt + 1}"
        try:
            with transaction.atomic():
                person.save(force_insert=True)
                publish(events.UserRegistered(user=public(person)), actor=person)
                return
        except IntegrityError as error:
            if "handle" in violated_constraint(error):
                continue
            raise Invalid.field("email", "Somebody with this address is registered already.", "taken") from error
    raise Invalid.field("email", "No free handle for this address; ask an administrator.", "taken")


def require_password(person: User, password: str, *, field: str) -> None:
    """Refuse what is not the present password of somebody who is signed in."""
    if not person.check_password(password):
        raise Invalid.field(field, "This is not your password.", WRONG)


def check_password_strength(password: str, person: User) -> None:
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Invalid(
            "The password is too weak.",
            fields=[FieldError("password", str(one.code), " ".join(one.messages)) for one in error.error_list],
        ) from error


def authenticate(*, email: str, password: str, request: Any = None) -> User:
    """Return the person; a wrong address and a wrong password look and last the same."""
    found = check_password(request, email=email, password=password)
    if not isinstance(found, User):
        raise NotSignedIn("The e-mail address or the password is wrong.", code="wrong_credentials")
    return found


@transaction.atomic
def note_failed_sign_in(*, person: User | None, address: str, device: str, now: datetime) -> None:
    """Tell of a wrong password or code. None: nobody has the address, which is told too and takes as long to write."""
    user = public(person) if person else events.NOBODY
    publish(events.SignInFailed(user=user, address=address, device=device), actor=None, at=now)


@transaction.atomic
def update_profile(*, actor: User, changes: dict[str, Any], versions: frozenset[int] | None = None) -> User:
    """Change one's own name, and how pages look and speak to oneself."""
    person: User = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if versions is not None and person.version not in versions:
        raise Stale(version=person.version, current={n: getattr(person, n) for n in changes}, wanted=changes)
    if (zone := changes.get("time_zone")) and zone not in zoneinfo.available_timezones():
        raise Invalid.field("time_zone", "This is not a time zone of the IANA database, like Europe/Berlin.")
    if unknown := set(changes) - PROFILE_FIELDS:
        raise ValueError(f"not part of a profile: {unknown}")
    changed = {name: value for name, value in changes.items() if getattr(person, name) != value}
    if changed:
        before = {name: getattr(person, name) for name in changed}
        User.objects.filter(pk=person.pk).update(**changed, version=F("version") + 1)
        person.refresh_from_db()
        cache.forget_person(person.pk)
        differences = {name: [before[name], value] for name, value in changed.items()}
        publish(events.UserUpdated(user=public(person), changes=differences), actor=actor)
    return person


def public(person: User) -> dict[str, Any]:
    return {"id": str(person.pk), "name": person.name, "email": person.email, "handle": person.handle}
