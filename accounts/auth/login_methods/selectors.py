"""Reading a user's login methods: MFA, passkeys and identities at providers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import Q, QuerySet

from accounts.auth.login_methods.revert_tokens import RevertToken, parse_revert_token
from accounts.models import User
from accounts.models.sessions import MFA_TYPES
from core.errors import NotFound

REVERT_LINK_TTL = timedelta(days=7)
# By how much the clocks of two nodes may differ.
MAX_CLOCK_SKEW = timedelta(seconds=5)
MFA_METHOD, IDENTITY = "mfa", "identity"
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


class AddedMfaMethod(NamedTuple):
    pk: int
    name: str
    created_at: datetime


class AddedLoginMethods(NamedTuple):
    """The login method that an email told of, with all that were added since: what its link removes."""

    user: User
    mfa_methods: list[AddedMfaMethod]
    identities: list[SocialAccount]


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
        raise NotFound("There is no such passkey.")
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
    authenticators = Authenticator.objects.filter(user=user, type=AUTHENTICATOR_TYPES[change])
    newest = authenticators.order_by("-pk").values_list("pk", flat=True).first()
    return RevertToken(MFA_METHOD, newest).path(user_id=user.pk, email=user.email) if newest else None


def revert_link_for_identity(user: User, identity_id: int) -> str | None:
    """Return the link that removes this identity; None where the user does not have it any more."""
    if not SocialAccount.objects.filter(user=user, pk=identity_id).exists():
        return None
    return RevertToken(IDENTITY, identity_id).path(user_id=user.pk, email=user.email)


def get_login_methods_added(token: str, now: datetime) -> AddedLoginMethods | None:
    """Return what a link removes now; None for an invalid link."""
    revert = parse_revert_token(token)
    if revert is None or revert.kind not in {MFA_METHOD, IDENTITY}:
        return None
    is_mfa = revert.kind == MFA_METHOD
    rows = Authenticator.objects if is_mfa else SocialAccount.objects
    row = rows.filter(pk=revert.object_id, user__is_active=True).select_related("user").first()
    if row is None or not revert.is_signed(token, user_id=row.user_id, email=row.user.email):
        return None
    added_at = row.created_at if is_mfa else row.date_joined
    return _added_since(row.user, revert, added_at) if now - added_at <= REVERT_LINK_TTL else None


def _added_since(user: User, revert: RevertToken, added_at: datetime) -> AddedLoginMethods:
    """Return what was added since then.

    Within a table keys are compared, as the clocks of nodes may differ; between the two tables only times can be.
    """
    earliest, is_mfa = added_at - MAX_CLOCK_SKEW, revert.kind == MFA_METHOD
    authenticators = list(Authenticator.objects.filter(user=user).order_by("pk"))
    added = [
        item for item in authenticators if (item.pk >= revert.object_id if is_mfa else item.created_at >= earliest)
    ]
    if all(item.type == Authenticator.Type.RECOVERY_CODES for item in authenticators if item not in added):
        added = authenticators  # recovery codes alone are no MFA
    since = Q(date_joined__gte=earliest) if is_mfa else Q(pk__gte=revert.object_id)
    identities = SocialAccount.objects.filter(since, user=user).order_by("pk")
    methods = [AddedMfaMethod(item.pk, _method_name(item), item.created_at) for item in added]
    return AddedLoginMethods(user, methods, list(identities))


def _method_name(authenticator: Authenticator) -> str:
    if authenticator.type == Authenticator.Type.WEBAUTHN:
        return f"Passkey “{authenticator.wrap().name}”"
    return "Authenticator app" if authenticator.type == Authenticator.Type.TOTP else "Recovery codes"
