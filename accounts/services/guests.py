from __future__ import annotations

from django.db import transaction

from accounts import cache, events
from accounts.models import User
from accounts.services.users import public
from events.publishing import publish


@transaction.atomic
def note_guest(*, actor: User, person: User) -> None:
    """Remember that single things were shared with this person: from their next request on, these are looked for.

    It stays so: what it costs to look once too often is less than to tell everybody each time.
    """
    if User.objects.filter(pk=person.pk, is_guest=False).update(is_guest=True):
        publish(events.UserUpdated(user=public(person), changes={"is_guest": [False, True]}), actor=actor)
        cache.forget_person(person.pk)
