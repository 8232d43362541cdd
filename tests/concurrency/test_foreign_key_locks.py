"""Writes of an account do not lock out rows that refer to its user: a new task, a comment, a session."""

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
    return Identity(provider="example", subject="1", email=user.email, email_verified=True, name=user.name)


def unlinking(user):
    account = SocialAccount.objects.create(user=user, provider="example", uid="1")
    return lambda: oidc.unlink_identity(actor=user, identity_id=account.pk, now=timezone.now())


CONCURRENT_WRITES = {
    "linking": lambda user: lambda: oidc.link_identity(actor=user, identity=identity(user)),
    "unlinking": unlinking,
    "signing in": lambda user: lambda: oidc.login_with_identity(identity=identity(user)),
    "renaming": lambda user: lambda: users.update_profile(actor=user, changes={"name": "Alicia"}),
    "avatar": lambda user: lambda: users.set_avatar(actor=user, data=photo()),
}


@pytest.mark.parametrize("write", CONCURRENT_WRITES)
def test_account_write_does_not_block_foreign_keys(write, alice):
    action = CONCURRENT_WRITES[write](with_email_address(alice))

    def lock_as_foreign_key():
        with connection.cursor() as cursor:  # the lock that PostgreSQL takes for each row that refers to a user
            cursor.execute("SELECT count(*) FROM (SELECT FROM accounts_user FOR KEY SHARE NOWAIT) AS referred")
            return cursor.fetchone()

    written, locked = interleave(action, lock_as_foreign_key)

    assert not isinstance(written, BaseException)
    assert locked == (1,)
