import uuid

from django.db.models import QuerySet

from accounts import policies
from accounts.models import User
from core.errors import NotFound


def list_service_accounts(user: User) -> QuerySet[User]:
    """Those of programs, for administrators; others manage none."""
    found: QuerySet[User] = User.objects.filter(kind=User.Kind.SERVICE)
    return found if policies.can_manage_users(user) else found.none()


def get_service_account(user: User, account_id: uuid.UUID) -> User:
    found = list_service_accounts(user).filter(pk=account_id).first()
    if found is None:
        raise NotFound("There is no such service account.")
    return found
