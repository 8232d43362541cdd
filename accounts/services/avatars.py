from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import cache, events
from accounts.models import Avatar, User
from accounts.pictures import redraw
from accounts.services.users import public
from core.errors import Stale
from events.publishing import publish


def set_avatar(*, actor: User, data: bytes) -> User:
    """Give oneself a picture; it is drawn before anything is locked, since that takes its time."""
    drawn = redraw(data)
    with transaction.atomic():
        person = _lock(actor, None)
        sizes: dict[str, Any] = {**drawn._asdict(), "created_at": timezone.now()}
        Avatar.objects.update_or_create(user=person, defaults=sizes)
        return _name(person, drawn.digest)


@transaction.atomic
def remove_avatar(*, actor: User, versions: frozenset[int] | None = None) -> User:
    """Go back to initials."""
    person = _lock(actor, versions)
    Avatar.objects.filter(user=person).delete()
    return _name(person, "")


def _lock(actor: User, versions: frozenset[int] | None) -> User:
    person: User = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if versions is not None and person.version not in versions:
        raise Stale(version=person.version, current={}, wanted={})
    return person


def _name(person: User, digest: str) -> User:
    if person.avatar != digest:
        changes = {"avatar": [person.avatar, digest]}
        User.objects.filter(pk=person.pk).update(avatar=digest, version=F("version") + 1)
        person.refresh_from_db()
        cache.forget_person(person.pk)
        publish(events.UserUpdated(user=public(person), changes=changes), actor=person)
    return person
