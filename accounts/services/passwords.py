from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts import cache, events
from accounts.models import User
from accounts.services.sessions import end_other_sessions
from accounts.services.users import check_password_strength, public
from core.errors import NotAllowed
from events.publishing import publish


@transaction.atomic
def change_password(*, person: User, password: str, now: datetime, keep: uuid.UUID | None = None) -> None:
    """Give oneself another password and end every session but the one to keep; the person is changed in place too."""
    if person.kind != User.Kind.PERSON:
        raise NotAllowed("A service account signs in with its keys alone.")
    check_password_strength(password, person)
    person.set_password(password)
    User.objects.filter(pk=person.pk).update(password=person.password, version=F("version") + 1)
    cache.forget_person(person.pk)
    publish(events.UserUpdated(user=public(person), changes={"password": ["hidden", "hidden"]}), actor=person, at=now)
    end_other_sessions(actor=person, keep=keep, now=now, reason="password changed")
