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
from django.utils import timezone

from accounts import events
from accounts.auth.passwords.validators import check_breach_first
from accounts.auth.sessions import cache
from accounts.events import user_payload
from accounts.models import Avatar, User
from accounts.users.image_processing import make_thumbnails
from core.db import violated_constraint
from core.errors import FieldError, Invalid, NotAuthenticated, VersionConflict
from events.outbox import publish

PROFILE_FIELDS = frozenset({"name", "time_zone", "language", "week_start", "theme", "density", "shortcuts"})
MAX_HANDLE_ATTEMPTS = 20
# The code of a refusal that says: this secret is not the right one.
WRONG_SECRET = "wrong"


@check_breach_first
@transaction.atomic
def register(*, email: str, name: str, password: str, is_verified: bool = False) -> User:
    """Create a person with a handle of their own; a taken address or a weak password is refused by name.

    `is_verified`: the address is known to be theirs.
    """
    user = User(email=email.strip().lower(), name=name.strip())
    check_password_strength(password, user)
    user.set_password(password)
    create_user(user)
    EmailAddress.objects.create(user=user, email=user.email, verified=is_verified, primary=True)
    return user


@transaction.atomic
def create_user(user: User) -> None:
    """Save a new person under the first handle that is free."""
    base = re.sub(r"[^a-z0-9._-]", "", user.email.split("@")[0]).lstrip("._-")[:32] or "person"
    for attempt in range(MAX_HANDLE_ATTEMPTS):
        user.handle = base if attempt == 0 else f"{base}{attempt + 1}"
        try:
            with transaction.atomic():
                user.save(force_insert=True)
                publish(events.UserRegistered(user=user_payload(user)), actor=user)
                return
        except IntegrityError as error:
            if "handle" in violated_constraint(error):
                continue
            raise Invalid.field("email", "Somebody with this address is registered already.", "taken") from error
    raise Invalid.field("email", "No free handle for this address; ask an administrator.", "taken")


def require_password(user: User, password: str, *, field: str) -> None:
    """Refuse what is not the present password of somebody who is signed in."""
    if not user.check_password(password):
        raise Invalid.field(field, "This is not your password.", WRONG_SECRET)


def check_password_strength(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(
            "The password is too weak.",
            fields=[FieldError("password", str(one.code), " ".join(one.messages)) for one in error.error_list],
        ) from error


def authenticate(*, email: str, password: str, request: Any = None) -> User:
    """Return the person; a wrong address and a wrong password look and last the same."""
    found = check_password(request, email=email, password=password)
    if not isinstance(found, User):
        raise NotAuthenticated("The e-mail address or the password is wrong.", code="wrong_credentials")
    return found


@transaction.atomic
def record_failed_login(*, user: User | None, address: str, device: str, now: datetime) -> None:
    """Publish a failed login with a wrong password or code.

    `user` is None for an unknown address, which is published as well so that both cases take the same time.
    """
    payload = user_payload(user) if user else events.ANONYMOUS_USER
    publish(events.LoginFailed(user=payload, address=address, device=device), actor=None, at=now)


@transaction.atomic
def update_profile(*, actor: User, changes: dict[str, Any], versions: frozenset[int] | None = None) -> User:
    """Change one's own name, and how pages look and speak to oneself."""
    user: User = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if versions is not None and user.version not in versions:
        raise VersionConflict(version=user.version, current={n: getattr(user, n) for n in changes}, wanted=changes)
    if (zone := changes.get("time_zone")) and zone not in zoneinfo.available_timezones():
        raise Invalid.field("time_zone", "This is not a time zone of the IANA database, like Europe/Berlin.")
    if unknown := set(changes) - PROFILE_FIELDS:
        raise ValueError(f"not part of a profile: {unknown}")
    changed = {name: value for name, value in changes.items() if getattr(user, name) != value}
    if changed:
        before = {name: getattr(user, name) for name in changed}
        User.objects.filter(pk=user.pk).update(**changed, version=F("version") + 1)
        user.refresh_from_db()
        cache.invalidate_user(user.pk)
        differences = {name: [before[name], value] for name, value in changed.items()}
        publish(events.UserUpdated(user=user_payload(user), changes=differences), actor=actor)
    return user


def set_avatar(*, actor: User, data: bytes) -> User:
    """Give oneself a picture; it is drawn before anything is locked, since that takes its time."""
    drawn = make_thumbnails(data)
    with transaction.atomic():
        user = _get_user_for_update(actor, None)
        sizes: dict[str, Any] = {**drawn._asdict(), "created_at": timezone.now()}
        Avatar.objects.update_or_create(user=user, defaults=sizes)
        return _set_avatar_digest(user, drawn.digest)


@transaction.atomic
def remove_avatar(*, actor: User, versions: frozenset[int] | None = None) -> User:
    """Go back to initials."""
    user = _get_user_for_update(actor, versions)
    Avatar.objects.filter(user=user).delete()
    return _set_avatar_digest(user, "")


def _get_user_for_update(actor: User, versions: frozenset[int] | None) -> User:
    user: User = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if versions is not None and user.version not in versions:
        raise VersionConflict(version=user.version, current={}, wanted={})
    return user


def _set_avatar_digest(user: User, digest: str) -> User:
    if user.avatar != digest:
        changes = {"avatar": [user.avatar, digest]}
        User.objects.filter(pk=user.pk).update(avatar=digest, version=F("version") + 1)
        user.refresh_from_db()
        cache.invalidate_user(user.pk)
        publish(events.UserUpdated(user=user_payload(user), changes=changes), actor=user)
    return user


@transaction.atomic
def mark_as_guest(*, actor: User, user: User) -> None:
    """Remember that single things were shared with this person: from their next request on, these are looked for.

    It stays so: what it costs to look once too often is less than to tell everybody each time.
    """
    if User.objects.filter(pk=user.pk, is_guest=False).update(is_guest=True):
        publish(events.UserUpdated(user=user_payload(user), changes={"is_guest": [False, True]}), actor=actor)
        cache.invalidate_user(user.pk)
