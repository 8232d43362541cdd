"""Undoing what an intruder added: the link in the mail about a new way in takes it away, with all that came with it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import F

from accounts import cache, events, selectors
from accounts.models import Session, User
from accounts.services.addresses import withdraw_proposal
from accounts.services.identities import unlink
from accounts.services.keys import revoke_all_keys
from accounts.services.letters import mail_new_password_link
from accounts.services.security import tell_security_changed
from accounts.services.sessions import end
from accounts.services.users import public
from core.errors import NotFound
from events.publishing import publish

OVER = "This link is not valid: it was used already, it is older than 7 days, or what it is about is gone."


@transaction.atomic
def undo_way_in(*, token: str, now: datetime, address: str = "") -> User:
    """Take away the way in that a mail told of and all added since, and let nobody in before a new password is chosen.

    Whoever added it knew the password, so it goes too. The link for another one is mailed at once.
    """
    person = _locked(token, now)
    added = selectors.way_in_added(token, now)
    if added is None:
        raise NotFound(OVER)
    Authenticator.objects.filter(pk__in=[one.pk for one in added.factors]).delete()
    _unlink(person, added.identities, now)
    _forget_password(person, now)
    end(Session.objects.open(now).filter(user=person), actor=person, now=now, reason="this was not me")
    revoke_all_keys(owner=person, actor=person, now=now)
    withdraw_proposal(person=person)
    tell_security_changed(person=person, what="way_in_undone", now=now, address=address)
    mail_new_password_link(person=person)
    return person


def _locked(token: str, now: datetime) -> User:
    """The person first, as all who change somebody's ways in do; what the link is about is read after that."""
    before = selectors.way_in_added(token, now)
    if before is None:
        raise NotFound(OVER)
    person: User = User.objects.select_for_update(no_key=True).get(pk=before.person.pk)
    return person


def _unlink(person: User, identities: Collection[SocialAccount], now: datetime) -> None:
    for linked in identities:
        unlink(linked, owner=person, actor=person, now=now)


def _forget_password(person: User, now: datetime) -> None:
    person.set_unusable_password()
    User.objects.filter(pk=person.pk).update(password=person.password, version=F("version") + 1)
    cache.forget_person(person.pk)
    changes = {"password": ["hidden", "hidden"]}
    publish(events.UserUpdated(user=public(person), changes=changes), actor=person, at=now)
