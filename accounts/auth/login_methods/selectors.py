"""Reading a user's login methods: MFA, passkeys and identities at providers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.signing import BadSignature, Signer
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import EmailChange, SecurityChange, User
from accounts.models.sessions import MFA_TYPES
from core.errors import NotFound

REVERT_LINK_TTL = timedelta(days=7)
# By how much the clocks of two nodes may differ.
MAX_CLOCK_SKEW = timedelta(seconds=5)
MFA_METHOD, IDENTITY, EMAIL, CHANGE = "mfa", "identity", "email", "change"
# By the kind in a link's token: the rows it may name, and when the change was made.
LINK_TARGETS: dict[str, tuple[Any, str]] = {
    MFA_METHOD: (Authenticator, "created_at"),
    IDENTITY: (SocialAccount, "date_joined"),
    EMAIL: (EmailChange, "changed_at"),
    CHANGE: (SecurityChange, "changed_at"),
}
# The changes that add a method: the newest of this type is the one that was added.
AUTHENTICATOR_TYPES = {
    "totp_activated": Authenticator.Type.TOTP,
    "webauthn_added": Authenticator.Type.WEBAUTHN,
    "recovery_codes_generated": Authenticator.Type.RECOVERY_CODES,
}


class MfaMethods(NamedTuple):
    """A user's MFA methods. `unused_recovery_codes` is None for a user who has none."""

    totp: Authenticator | None
    passkeys: list[Authenticator]
    unused_recovery_codes: int | None


class AddedLoginMethods(NamedTuple):
    """The change that an email told of, with all that was added and removed since: what its link undoes.

    `email_change` has the address to restore, if the email told of another one. `changes` are changes of the password
    and removals, `removed_methods` the methods that come back.
    """

    user: User
    mfa_methods: list[Authenticator]
    identities: list[SocialAccount]
    email_change: EmailChange | None
    changes: list[SecurityChange]
    removed_methods: list[Authenticator]


def get_mfa_methods(user: User) -> MfaMethods:
    authenticators = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    types = Authenticator.Type
    recovery_codes = next((item.wrap() for item in authenticators if item.type == types.RECOVERY_CODES), None)
    return MfaMethods(
        totp=next((item for item in authenticators if item.type == types.TOTP), None),
        passkeys=[item for item in authenticators if item.type == types.WEBAUTHN],
        unused_recovery_codes=len(recovery_codes.get_unused_codes()) if recovery_codes else None,
    )


def get_passkey(user: User, passkey_id: int) -> Authenticator:
    """Return a passkey of the user. Raises NotFound."""
    passkey = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN, pk=passkey_id).first()
    if passkey is None:
        raise NotFound(gettext("There is no such passkey."))
    return passkey


def has_mfa(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type__in=MFA_TYPES).exists())


def list_identities(user: User) -> QuerySet[SocialAccount]:
    """Return the identities at providers that the user signs in with."""
    identities: QuerySet[SocialAccount] = SocialAccount.objects.filter(user=user).order_by("pk")
    return identities


def revert_link_for_mfa_method(user: User, change: str) -> str | None:
    """Return the link that removes the method a change has just added."""
    if change not in AUTHENTICATOR_TYPES:
        return None
    newest = Authenticator.objects.filter(user=user, type=AUTHENTICATOR_TYPES[change]).order_by("-pk").first()
    return _revert_link(user, MFA_METHOD, newest.pk) if newest else None


def revert_link_for_identity(user: User, identity_id: int) -> str | None:
    """Return the link that removes this identity; None where the user does not have it any more."""
    exists = SocialAccount.objects.filter(user=user, pk=identity_id).exists()
    return _revert_link(user, IDENTITY, identity_id) if exists else None


def revert_link_for_email(change: EmailChange) -> str:
    """Return the link that restores the former address."""
    return _revert_link(change.user, EMAIL, change.pk, change.email)


def revert_link_for_change(change: SecurityChange) -> str:
    """Return the link that reverts a password change or a removal of methods."""
    return _revert_link(change.user, CHANGE, change.pk)


def _revert_link(user: User, kind: str, object_id: int, email: str = "") -> str:
    token = _signer(user, email).sign(f"{kind}.{object_id}")
    return f"{reverse('revert-login-method')}?{urlencode({'token': token})}"


def _signer(user: User, email: str = "") -> Signer:
    """Return a signer whose signatures end with the address: an old mailbox undoes the change of itself alone."""
    return Signer(salt=f"accounts.revert_login_method {user.pk} {email or user.email}")


def get_login_methods_added(token: str, now: datetime) -> AddedLoginMethods | None:
    """Return what a link removes now; None for an invalid link."""
    kind, _, number = token.partition(":")[0].partition(".")
    # Its user is read before the signature can be verified, so the number has to fit a column (19 digits).
    if kind not in LINK_TARGETS or not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    model, time_column = LINK_TARGETS[kind]
    row = model.objects.filter(pk=int(number), user__is_active=True).select_related("user").first()
    try:
        if row is None or _signer(row.user, row.email if kind == EMAIL else "").unsign(token) != f"{kind}.{row.pk}":
            return None
    except BadSignature:
        return None
    added_at = getattr(row, time_column)
    if now - added_at > REVERT_LINK_TTL:
        return None
    # Within a table keys are compared, as the clocks of nodes may differ; between the two tables only times can be.
    earliest = added_at - MAX_CLOCK_SKEW
    methods = list(Authenticator.objects.filter(user=row.user).order_by("pk"))
    added = [item for item in methods if (item.pk >= row.pk if kind == MFA_METHOD else item.created_at >= earliest)]
    changes = list(SecurityChange.objects.filter(user=row.user, changed_at__gte=earliest).order_by("pk"))
    removed = _methods_to_restore(changes, before=added_at, present=[item for item in methods if item not in added])
    if not removed and all(item.type == Authenticator.Type.RECOVERY_CODES for item in methods if item not in added):
        added = methods  # recovery codes alone are no MFA
    since = Q(pk__gte=row.pk) if kind == IDENTITY else Q(date_joined__gte=earliest)
    identities = SocialAccount.objects.filter(since, user=row.user).order_by("pk")
    return AddedLoginMethods(row.user, added, list(identities), row if kind == EMAIL else None, changes, removed)


def _methods_to_restore(
    changes: list[SecurityChange], *, before: datetime, present: list[Authenticator]
) -> list[Authenticator]:
    """Return removed methods that the user had before, and does not have again."""
    types = {item.type for item in present if item.type != Authenticator.Type.WEBAUTHN}
    removed = [
        Authenticator(user_id=change.user_id, **method) for change in changes for method in change.removed_methods
    ]
    for method in removed:
        method.created_at = datetime.fromisoformat(str(method.created_at))
    return [method for method in removed if method.created_at < before and method.type not in types]
