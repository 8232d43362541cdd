"""Registration, passwords, profiles and avatars."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts import events
from accounts.auth.passwords.validators import check_new_password
from accounts.auth.sessions import cache
from accounts.events import user_payload
from accounts.models import Avatar, EmailChange, User
from accounts.users.image_processing import make_thumbnails
from accounts.users.locales import DEFAULT_LOCALE, Locale
from core.clock import current_time
from core.db import violated_constraint
from core.errors import Invalid
from core.etags import check_version
from core.serialization import to_json
from core.text import normalize_email
from core.time_zones import time_zone_names
from events.outbox import publish

PROFILE_FIELDS = frozenset(
    {
        "name",
        "time_zone",
        "language",
        "week_start",
        "theme",
        "density",
        "shortcuts",
        "reminder_time",
        "home",
        "list_columns",
    }
)
MAX_HANDLE_ATTEMPTS = 20
# Error code of a wrong password or code; throttling counts these errors as failed attempts.
WRONG_SECRET = "wrong"  # noqa: S105 -- an error code


def register(*, email: str, name: str, password: str, locale: Locale = DEFAULT_LOCALE) -> User:
    """Create a user with a password. Raises Invalid for a weak or breached password, and for a taken address."""
    check_new_password(password, User(email=normalize_email(email), name=name.strip()))
    return create_user_with_password(email=email, name=name, password=password, locale=locale)


@transaction.atomic
def create_user_with_password(
    *, email: str, name: str, password: str, is_verified: bool = False, locale: Locale = DEFAULT_LOCALE
) -> User:
    """Create a user with a password that the caller has checked. Raises Invalid for a taken address.

    `is_verified` says that the email address is known to be theirs.
    """
    # allauth reads addresses from EmailAddress, the application from User.email: both are written together.
    user = User(email=normalize_email(email), name=name.strip(), **asdict(locale))
    user.set_password(password)
    create_user(user)
    EmailAddress.objects.create(user=user, email=user.email, verified=is_verified, primary=True)
    return user


@transaction.atomic
def create_user(user: User) -> None:
    """Save a new user under the first free handle made from the email address. Raises Invalid."""
    # The local part of an address may hold characters that a handle cannot have, or nothing but such.
    base = re.sub(r"[^a-z0-9._-]", "", user.email.split("@")[0]).lstrip("._-")[:32] or "user"
    # The former owner can restore it with the link that was sent to it.
    if EmailChange.objects.filter(email=user.email, expires_at__gt=current_time()).exists():
        raise Invalid.field("email", gettext("An account with this email address already exists."), "taken")
    user.created_at = current_time()
    for attempt in range(MAX_HANDLE_ATTEMPTS):
        user.handle = base if attempt == 0 else f"{base}{attempt + 1}"
        try:
            # A savepoint per attempt: a failed INSERT would otherwise end the whole transaction.
            with transaction.atomic():
                user.save(force_insert=True)
                publish(events.UserRegistered(user=user_payload(user)), actor=user)
                return
        except IntegrityError as error:
            if "handle" in violated_constraint(error):
                continue
            raise Invalid.field(
                "email", gettext("An account with this email address already exists."), "taken"
            ) from error
    raise Invalid.field("email", gettext("No free handle for this email address. Ask an administrator."), "taken")


def require_time_zone(name: str) -> None:
    """Raise Invalid unless this is the name of a time zone."""
    if name not in time_zone_names():
        raise Invalid.field("time_zone", gettext("Not a time zone of the IANA database, like Europe/Berlin."))


def require_password(user: User, password: str, *, field: str) -> None:
    """Raise Invalid for `field` unless this is the user's current password."""
    if not user.check_password(password):
        raise Invalid.field(field, gettext("Wrong password."), WRONG_SECRET)


@transaction.atomic
def update_profile(*, actor: User, changes: dict[str, Any], versions: frozenset[int] | None = None) -> User:
    """Change fields of PROFILE_FIELDS of the actor's own account. Raises Invalid, VersionConflict."""
    # no_key: rows that refer to the user can still be inserted meanwhile (FOR NO KEY UPDATE).
    user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    check_version(user, versions, changes)
    if "time_zone" in changes:
        require_time_zone(changes["time_zone"])
    for name in changes.keys() & {"home", "list_columns"}:
        field: Any = User._meta.get_field(name)
        try:
            field.run_validators(changes[name])
        except ValidationError as error:
            raise Invalid.field(name, error.messages[0], "invalid") from error
    if unknown := set(changes) - PROFILE_FIELDS:
        raise ValueError(f"not part of a profile: {unknown}")
    save_changes(user, changes, actor=actor)
    return user


def save_changes(
    user: User, changes: dict[str, Any], *, actor: User | None, now: datetime | None = None
) -> dict[str, list[Any]]:
    """Save the fields that differ under a new version and publish UserUpdated; return {field: [old, new]}.

    Must be called in a transaction that holds the user's row lock. Raises Invalid for a handle or email address that
    is taken.
    """
    differences = {
        name: [getattr(user, name), value] for name, value in changes.items() if getattr(user, name) != value
    }
    if not differences:
        return {}
    # Only what differs is written, so two writers of different fields do not undo each other.
    columns = {name: value for name, (_, value) in differences.items()}
    try:
        User.objects.filter(pk=user.pk).update(**columns, version=F("version") + 1)
    except IntegrityError as error:
        field, label = ("handle", "handle") if "handle" in violated_constraint(error) else ("email", "email address")
        raise Invalid.field(field, gettext("This %(label)s is already taken.") % {"label": label}, "taken") from error
    # Names of users are part of many cached responses, hence the invalidation for all users.
    user.refresh_from_db()
    cache.invalidate_user(user.pk)
    published = {name: [to_json(value) for value in values] for name, values in differences.items()}
    publish(events.UserUpdated(user=user_payload(user), changes=published), actor=actor, at=now)
    return differences


def set_avatar(*, actor: User, data: bytes) -> User:
    """Replace the actor's picture. Raises Invalid for a file that is no image, and TransientConflict."""
    thumbnails = make_thumbnails(data)  # before anything is locked, because it takes its time
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        # The images live in a table of their own, so that reading users does not load them.
        columns: dict[str, Any] = {**thumbnails._asdict(), "created_at": current_time()}
        Avatar.objects.update_or_create(user=user, defaults=columns)
        save_changes(user, {"avatar": thumbnails.digest}, actor=user)
        return user


@transaction.atomic
def remove_avatar(*, actor: User, versions: frozenset[int] | None = None) -> User:
    """Remove the actor's picture; initials are shown instead. Raises VersionConflict."""
    user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    check_version(user, versions)
    Avatar.objects.filter(user=user).delete()
    save_changes(user, {"avatar": ""}, actor=user)
    return user


@transaction.atomic
def mark_as_guest(*, actor: User, user: User) -> None:
    """Mark a user with whom single tasks were shared; their queries look for shares from now on.

    The mark stays after the last share ended: a needless lookup costs less than keeping a count.
    """
    if User.objects.filter(pk=user.pk, is_guest=False).update(is_guest=True):
        publish(events.UserUpdated(user=user_payload(user), changes={"is_guest": [False, True]}), actor=actor)
        cache.invalidate_user(user.pk)
