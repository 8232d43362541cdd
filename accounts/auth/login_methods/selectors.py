"""Questions about how people prove who they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import Q, QuerySet

from accounts.auth.login_methods.revert_tokens import RevertToken, parse_revert_token
from accounts.models import User
from accounts.models.mfa import MFA_TYPES

REVERT_LINK_TTL = timedelta(days=7)
# By how much the clocks of two nodes may differ.
MAX_CLOCK_SKEW = timedelta(seconds=5)


class MfaMethods(NamedTuple):
    """`codes_left` is how many recovery codes are not used yet; None for somebody who has none."""

    app: Authenticator | None
    passkeys: list[Authenticator]
    unused_recovery_codes: int | None


def get_mfa_methods(user: User) -> MfaMethods:
    mine = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    kinds = Authenticator.Type
    codes = next((one.wrap() for one in mine if one.type == kinds.RECOVERY_CODES), None)
    return MfaMethods(
        app=next((one for one in mine if one.type == kinds.TOTP), None),
        passkeys=[one for one in mine if one.type == kinds.WEBAUTHN],
        unused_recovery_codes=len(codes.get_unused_codes()) if codes else None,
    )


def has_mfa(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type__in=MFA_TYPES).exists())


def list_email_addresses(user: User) -> QuerySet[EmailAddress]:
    """The address of the account, and one that was proposed to take its place."""
    found: QuerySet[EmailAddress] = EmailAddress.objects.filter(user=user)
    return found


def list_identities(user: User) -> QuerySet[SocialAccount]:
    """The identities at providers that the person signs in with."""
    found: QuerySet[SocialAccount] = SocialAccount.objects.filter(user=user).order_by("pk")
    return found


class AddedMfaMethod(NamedTuple):
    pk: int
    name: str
    created_at: datetime


class AddedLoginMethods(NamedTuple):
    """A way in that a mail told of, with all that were added from then on: what its link takes away."""

    user: User
    mfa_methods: list[AddedMfaMethod]
    identities: list[SocialAccount]


MFA_METHOD, IDENTITY = "factor", "identity"
# What a mail can tell of in the transaction that adds it, where the newest such factor is the one.
AUTHENTICATOR_TYPES = {
    "totp_activated": Authenticator.Type.TOTP,
    "webauthn_added": Authenticator.Type.WEBAUTHN,
    "recovery_codes_generated": Authenticator.Type.RECOVERY_CODES,
}


def revert_link_for_mfa_method(user: User, what: str) -> str | None:
    """The link that takes away the factor that has just been added; None where none was, or it is gone already."""
    if what not in AUTHENTICATOR_TYPES:
        return None
    mine = Authenticator.objects.filter(user=user, type=AUTHENTICATOR_TYPES[what])
    newest = mine.order_by("-pk").values_list("pk", flat=True).first()
    return RevertToken(MFA_METHOD, newest).path(user_id=user.pk, email=user.email) if newest else None


def revert_link_for_identity(user: User, identity_id: int) -> str | None:
    """The link that takes this identity away; None where the person does not have it, or no longer."""
    if not SocialAccount.objects.filter(user=user, pk=identity_id).exists():
        return None
    return RevertToken(IDENTITY, identity_id).path(user_id=user.pk, email=user.email)


def get_login_methods_added(token: str, now: datetime) -> AddedLoginMethods | None:
    """What this link takes away now; None when it is not one of ours, too old, or there is nothing left of it."""
    named = parse_revert_token(token)
    if named is None or named.kind not in {MFA_METHOD, IDENTITY}:
        return None
    rows = Authenticator.objects if named.kind == MFA_METHOD else SocialAccount.objects
    row = rows.filter(pk=named.object_id, user__is_active=True).select_related("user").first()
    if row is None or not named.is_signed(token, user_id=row.user_id, email=row.user.email):
        return None
    since = row.created_at if named.kind == MFA_METHOD else row.date_joined
    return _added_since(row.user, named, since) if now - since <= REVERT_LINK_TTL else None


def _added_since(user: User, named: RevertToken, since: datetime) -> AddedLoginMethods:
    """Within a table the key says what came first, whatever clocks of nodes say; between the two tables only clocks do."""
    early, is_factor = since - MAX_CLOCK_SKEW, named.kind == MFA_METHOD
    mfa_methods = list(Authenticator.objects.filter(user=user).order_by("pk"))
    new = [one for one in mfa_methods if (one.pk >= named.object_id if is_factor else one.created_at >= early)]
    if all(one.type == Authenticator.Type.RECOVERY_CODES for one in mfa_methods if one not in new):
        new = mfa_methods  # codes alone are no factor
    since_then = Q(date_joined__gte=early) if is_factor else Q(pk__gte=named.object_id)
    identities = SocialAccount.objects.filter(since_then, user=user).order_by("pk")
    named_ones = [AddedMfaMethod(one.pk, _method_name(one), one.created_at) for one in new]
    return AddedLoginMethods(user, named_ones, list(identities))


def _method_name(factor: Authenticator) -> str:
    if factor.type == Authenticator.Type.WEBAUTHN:
        return f"Passkey “{factor.wrap().name}”"
    return "Authenticator app" if factor.type == Authenticator.Type.TOTP else "Recovery codes"
