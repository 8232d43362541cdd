from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts import cache, events
from accounts.models import User
from accounts.services.addresses import is_verified, withdraw_proposal
from accounts.services.identities import unlink_all_identities
from accounts.services.keys import revoke_all_keys
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


@transaction.atomic
def reset_password(*, person: User, password: str, now: datetime) -> None:
    """Give oneself another password by a link in a mail: whoever knew the old one is out, with all they left behind."""
    change_password(person=person, password=password, now=now)
    end_other_ways_in(person=person, actor=person, now=now)


@transaction.atomic
def end_other_ways_in(*, person: User, actor: User, now: datetime) -> None:
    """End what somebody else may have left in an account to come back by; second factors stay.

    While the address is not verified, whoever linked an identity need not be its owner.
    """
    revoke_all_keys(owner=person, actor=actor, now=now)
    withdraw_proposal(person=person)
    if not is_verified(person):
        unlink_all_identities(owner=person, actor=actor, now=now)
