"""Questions about how people prove who they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import Q, QuerySet

from accounts.links import Undo, named_by
from accounts.models import User
from accounts.querysets import FACTORS

UNDO_LASTS = timedelta(days=7)
# By how much the clocks of two nodes may differ.
CLOCKS_DIFFER = timedelta(seconds=5)


class SecondFactors(NamedTuple):
    """`codes_left` is how many recovery codes are not used yet; None for somebody who has none."""

    app: Authenticator | None
    passkeys: list[Authenticator]
    codes_left: int | None


def second_factors(user: User) -> SecondFactors:
    mine = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    kinds = Authenticator.Type
    codes = next((one.wrap() for one in mine if one.type == kinds.RECOVERY_CODES), None)
    return SecondFactors(
        app=next((one for one in mine if one.type == kinds.TOTP), None),
        passkeys=[one for one in mine if one.type == kinds.WEBAUTHN],
        codes_left=len(codes.get_unused_codes()) if codes else None,
    )


def has_second_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def addresses_of(user: User) -> QuerySet[EmailAddress]:
    """The address of the account, and one that was proposed to take its place."""
    found: QuerySet[EmailAddress] = EmailAddress.objects.filter(user=user)
    return found


def identities_of(user: User) -> QuerySet[SocialAccount]:
    """The identities at providers that the person signs in with."""
    found: QuerySet[SocialAccount] = SocialAccount.objects.filter(user=user).order_by("pk")
    return found


class AddedFactor(NamedTuple):
    pk: int
    name: str
    created_at: datetime


class Added(NamedTuple):
    """A way in that a mail told of, with all that were added from then on: what its link takes away."""

    person: User
    factors: list[AddedFactor]
    identities: list[SocialAccount]


FACTOR, IDENTITY = "factor", "identity"
# What a mail can tell of in the transaction that adds it, where the newest such factor is the one.
ADDED = {
    "totp_activated": Authenticator.Type.TOTP,
    "webauthn_added": Authenticator.Type.WEBAUTHN,
    "recovery_codes_generated": Authenticator.Type.RECOVERY_CODES,
}


def undo_of(person: User, what: str) -> str | None:
    """The link that takes away the factor that has just been added; None where none was, or it is gone already."""
    if what not in ADDED:
        return None
    mine = Authenticator.objects.filter(user=person, type=ADDED[what])
    newest = mine.order_by("-pk").values_list("pk", flat=True).first()
    return Undo(FACTOR, newest).path(person_id=person.pk, email=person.email) if newest else None


def undo_of_identity(person: User, identity_id: int) -> str | None:
    """The link that takes this identity away; None where the person does not have it, or no longer."""
    if not SocialAccount.objects.filter(user=person, pk=identity_id).exists():
        return None
    return Undo(IDENTITY, identity_id).path(person_id=person.pk, email=person.email)


def way_in_added(token: str, now: datetime) -> Added | None:
    """What this link takes away now; None when it is not one of ours, too old, or there is nothing left of it."""
    named = named_by(token)
    if named is None or named.kind not in {FACTOR, IDENTITY}:
        return None
    rows = Authenticator.objects if named.kind == FACTOR else SocialAccount.objects
    row = rows.filter(pk=named.number, user__is_active=True).select_related("user").first()
    if row is None or not named.is_signed(token, person_id=row.user_id, email=row.user.email):
        return None
    since = row.created_at if named.kind == FACTOR else row.date_joined
    return _added_since(row.user, named, since) if now - since <= UNDO_LASTS else None


def _added_since(person: User, named: Undo, since: datetime) -> Added:
    """Within a table the key says what came first, whatever clocks of nodes say; between the two tables only clocks do."""
    early, is_factor = since - CLOCKS_DIFFER, named.kind == FACTOR
    factors = list(Authenticator.objects.filter(user=person).order_by("pk"))
    new = [one for one in factors if (one.pk >= named.number if is_factor else one.created_at >= early)]
    if all(one.type == Authenticator.Type.RECOVERY_CODES for one in factors if one not in new):
        new = factors  # codes alone are no factor
    since_then = Q(date_joined__gte=early) if is_factor else Q(pk__gte=named.number)
    identities = SocialAccount.objects.filter(since_then, user=person).order_by("pk")
    named_ones = [AddedFactor(one.pk, _name_of(one), one.created_at) for one in new]
    return Added(person, named_ones, list(identities))


def _name_of(factor: Authenticator) -> str:
    if factor.type == Authenticator.Type.WEBAUTHN:
        return f"Passkey “{factor.wrap().name}”"
    return "Authenticator app" if factor.type == Authenticator.Type.TOTP else "Recovery codes"
