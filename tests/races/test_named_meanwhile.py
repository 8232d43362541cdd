"""Who changes something of their own holds up nobody who writes down their name: a new task, a comment, a session."""

from __future__ import annotations

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from django.utils import timezone

from accounts import services
from accounts.services.identities import Identity
from accounts.tests.factories import with_address
from accounts.tests.images import photo
from core.testing.together import overlapping

pytestmark = pytest.mark.django_db(transaction=True)


def identity(person):
    return Identity(provider="example", subject="1", email=person.email, is_verified=True, name=person.name)


def unlinking(person):
    one = SocialAccount.objects.create(user=person, provider="example", uid="1")
    return lambda: services.unlink_identity(actor=person, identity_id=one.pk, now=timezone.now())


DOING = {
    "linking": lambda person: lambda: services.link_identity(actor=person, identity=identity(person)),
    "unlinking": unlinking,
    "joining": lambda person: lambda: services.sign_in_with(identity=identity(person)),
    "renaming": lambda person: lambda: services.update_profile(actor=person, changes={"name": "Alicia"}),
    "drawing": lambda person: lambda: services.set_avatar(actor=person, data=photo()),
}


@pytest.mark.parametrize("what", DOING)
def test_nobody_waits_to_name_somebody_who_is(what, alice):
    action = DOING[what](with_address(alice))

    def name():
        with connection.cursor() as cursor:  # what PostgreSQL asks for each row that refers to a person
            cursor.execute("SELECT count(*) FROM (SELECT FROM accounts_user FOR KEY SHARE NOWAIT) AS named")
            return cursor.fetchone()

    done, named = overlapping(action, name)

    assert not isinstance(done, BaseException)
    assert named == (1,)
