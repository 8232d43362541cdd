"""Who changes something of their own holds up nobody who writes down their name: a new task, a comment, a session."""

from __future__ import annotations

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from django.utils import timezone

from accounts.auth.oidc import services as oidc
from accounts.auth.oidc.services import Identity
from accounts.tests.factories import with_email_address
from accounts.tests.images import photo
from accounts.users import services as users
from core.testing.concurrency import interleave

pytestmark = pytest.mark.django_db(transaction=True)


def identity(user):
    return Identity(provider="example", subject="1", email=user.email, is_verified=True, name=user.name)


def unlinking(user):
    one = SocialAccount.objects.create(user=user, provider="example", uid="1")
    return lambda: oidc.unlink_identity(actor=user, identity_id=one.pk, now=timezone.now())


CONCURRENT_WRITES = {
    "linking": lambda user: lambda: oidc.link_identity(actor=user, identity=identity(user)),
    "unlinking": unlinking,
    "joining": lambda user: lambda: oidc.login_with_identity(identity=identity(user)),
    "renaming": lambda user: lambda: users.update_profile(actor=user, changes={"name": "Alicia"}),
    "drawing": lambda user: lambda: users.set_avatar(actor=user, data=photo()),
}


@pytest.mark.parametrize("what", CONCURRENT_WRITES)
def test_nobody_waits_to_name_somebody_who_is(what, alice):
    action = CONCURRENT_WRITES[what](with_email_address(alice))

    def name():
        with connection.cursor() as cursor:  # what PostgreSQL asks for each row that refers to a person
            cursor.execute("SELECT count(*) FROM (SELECT FROM accounts_user FOR KEY SHARE NOWAIT) AS named")
            return cursor.fetchone()

    done, named = interleave(action, name)

    assert not isinstance(done, BaseException)
    assert named == (1,)
