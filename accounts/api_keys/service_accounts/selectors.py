"""Queries for service accounts."""

import uuid

from django.db.models import QuerySet

from accounts import policies
from accounts.models import User
from core.errors import NotFound


def list_service_accounts(user: User) -> QuerySet[User]:
    """Return all service accounts for an administrator, none for other users."""
    accounts = User.objects.filter(kind=User.Kind.SERVICE)
    return accounts if policies.can_manage_users(user) else accounts.none()


def get_service_account(user: User, account_id: uuid.UUID) -> User:
    """Return a service account visible to the user. Raises NotFound."""
    account = list_service_accounts(user).filter(pk=account_id).first()
    if account is None:
        raise NotFound("There is no such service account.")
    return account
