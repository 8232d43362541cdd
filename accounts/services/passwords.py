from __future__ import annotations

import uuid
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import F

from accounts import cache, events
from accounts.models import User
from accounts.passwords import asked_first
from accounts.services.addresses import is_verified, verify_address, withdraw_proposal
from accounts.services.identities import unlink_foreign_identities
from accounts.services.keys import revoke_all_keys
from accounts.services.security import tell_security_changed
from accounts.services.sessions import end_other_sessions
from accounts.services.users import check_password_strength, public
from core.errors import NotAllowed, NotFound
from events.publishing import publish


@asked_first
@transaction.atomic
def change_password(*, person: User, password: str, now: datetime, keep: uuid.UUID | None = None) -> None:
    """Give oneself another password and end every session but the one to keep, and a proposal; the person is changed in place."""
    if person.kind != User.Kind.PERSON:
        raise NotAllowed("A service account signs in with its keys alone.")
    check_password_strength(password, person)
    person.set_password(password)
    User.objects.filter(pk=person.pk).update(password=person.password, version=F("version") + 1)
    cache.forget_person(person.pk)
    publish(events.UserUpdated(user=public(person), changes={"password": ["hidden", "hidden"]}), actor=person, at=now)
    end_other_sessions(actor=person, keep=keep, now=now, reason="password changed")


@asked_first
@transaction.atomic
def reset_password(*, person: User, password: str, now: datetime) -> None:
    """Give oneself another password by a link in a mail: whoever knew the old one is out, with all they left behind.

    `person` is as they were when the link was found good: of two that use it at once, the later one finds them changed.
    """
    same = User.objects.active().filter(pk=person.pk, password=person.password, email=person.email)
    if not same.select_for_update(no_key=True).values_list("pk").first():
        raise NotFound("This link is not valid: it was used already, or is too old.")
    change_password(person=person, password=password, now=now)
    end_other_ways_in(person=person, actor=person, now=now)
    if not is_verified(person):
        _prove_address(person, now)


@transaction.atomic
def end_other_ways_in(*, person: User, actor: User, now: datetime) -> None:
    """End what somebody else may have left in an account to come back by; second factors stay."""
    revoke_all_keys(owner=person, actor=actor, now=now)
    withdraw_proposal(person=person)
    unlink_foreign_identities(owner=person, actor=actor, now=now)


def _prove_address(person: User, now: datetime) -> None:
    """Whoever opened the link has the mailbox. Factors from before that may be of somebody who never had it."""
    removed, _ = Authenticator.objects.filter(user=person).delete()
    if removed:
        tell_security_changed(person=person, what="unproved_factors_removed", now=now)
    verify_address(person=person, now=now)
