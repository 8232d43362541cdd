"""Who somebody is at a provider, and whom of ours that is. The subject is the identity; an address can change hands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts import events
from accounts.events import user_payload
from accounts.models import User
from accounts.users import services as users
from core.errors import Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound
from events.outbox import publish

MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider has proved about somebody. `is_verified` is about the address."""

    provider: str
    subject: str
    email: str
    is_verified: bool
    name: str


def login_with_identity(*, identity: Identity) -> SocialAccount:
    """Return the link to the person this is: known, joined by an address both sides have verified, or registered now.

    Two first sign-ins at once are told apart by the database; the later one finds what the earlier one made.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            with transaction.atomic():
                return _find_linked(identity) or _link_by_verified_email(identity) or _register_user(identity)
        except (IntegrityError, Invalid):  # the second one also when the other took the address
            continue
    raise Conflict("Somebody signs in with this identity at the same moment. Try again.")


@transaction.atomic
def link_identity(*, actor: User, identity: Identity) -> SocialAccount:
    """Let the actor sign in with this identity from now on."""
    _require_verified_email(identity)
    user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    linked = SocialAccount.objects.filter(provider=identity.provider, uid=identity.subject).first()
    if linked is not None and linked.user_id != user.pk:
        raise Conflict("This identity belongs to another account here.", code="identity_taken")
    try:
        with transaction.atomic():
            return linked or _link(user, identity, "manual")
    except IntegrityError as error:
        raise Conflict("This identity belongs to another account here.", code="identity_taken") from error


@transaction.atomic
def unlink_identity(*, actor: User, identity_id: int, now: datetime) -> None:
    """Take an identity away, unless nothing would be left to sign in with."""
    user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    linked = SocialAccount.objects.filter(pk=identity_id, user=user).first()
    if linked is None:
        raise NotFound("There is no such identity.")
    require_another_login_method(user, linked)
    delete_identity(linked, owner=user, actor=user, now=now)


@transaction.atomic
def unlink_unverified_identities(*, owner: User, actor: User, now: datetime) -> int:
    """Take away every identity of another address than the owner's verified one; returns how many there were.

    Whoever came in with a stolen password links one of their own, and needs no password after that.
    """
    is_own = EmailAddress.objects.filter(user=owner, email=owner.email, verified=True).exists()
    found = SocialAccount.objects.select_for_update().filter(user=owner).order_by("pk")
    foreign = [one for one in found if not is_own or one.extra_data.get("email", "").lower() != owner.email]
    for linked in foreign:
        delete_identity(linked, owner=owner, actor=actor, now=now)
    return len(foreign)


def delete_identity(linked: SocialAccount, *, owner: User, actor: User, now: datetime) -> None:
    """Take an identity away in the present transaction, also when it is the last way in."""
    linked.delete()
    publish(events.IdentityUnlinked(user=user_payload(owner), provider=linked.provider), actor=actor, at=now)


@transaction.atomic
def record_rejected_login(*, provider: str, reason: str, address: str, device: str) -> None:
    """Leave in the log of facts that a sign-in by a provider came to nothing."""
    fact = events.IdentityRejected(
        user=events.ANONYMOUS_USER, provider=provider, reason=reason, address=address, device=device
    )
    publish(fact, actor=None)


def require_another_login_method(user: User, linked: SocialAccount) -> None:
    """Raise Conflict if the person has no password, no passkey and no other identity."""
    if user.has_usable_password() or Authenticator.objects.filter(user=user, type="webauthn").exists():
        return
    if not SocialAccount.objects.filter(user=user).exclude(pk=linked.pk).exists():
        raise Conflict("You would have nothing left to sign in with. Set a password first.", code="last_login_method")


def _find_linked(identity: Identity) -> SocialAccount | None:
    linked = (
        SocialAccount.objects.select_related("user").filter(provider=identity.provider, uid=identity.subject).first()
    )
    if linked is not None:
        _require_active(linked.user)
    return linked


def _link_by_verified_email(identity: Identity) -> SocialAccount | None:
    """Link whoever has this address here, if we have seen that it is theirs.

    Somebody who registered with an address of others, and waits for its owner, would else share the account with them.
    """
    _require_verified_email(identity)
    user: User | None = User.objects.select_for_update(no_key=True).filter(email=identity.email).first()
    if user is None:
        return None
    _require_active(user)
    if linked := _find_linked(identity):  # by somebody who had the lock before
        return linked
    if not EmailAddress.objects.filter(user=user, email=identity.email, verified=True).exists():
        raise NotAllowed(
            "There is an account with this address, and it has not been confirmed yet that the address is its owner's. "
            "Sign in with its password and link this identity in the settings; if you have no password, ask for a new one.",
            code="address_not_verified_here",
        )
    return _link(user, identity, "email")


def _register_user(identity: Identity) -> SocialAccount:
    name = identity.name or identity.email.partition("@")[0]
    user = User(email=identity.email, name=name)
    user.set_unusable_password()
    users.create_user(user)
    EmailAddress.objects.create(user=user, email=identity.email, verified=True, primary=True)
    return _link(user, identity, "registered")


def _link(user: User, identity: Identity, method: str) -> SocialAccount:
    """One identity of each provider for each person: a second one may be somebody who was given the address later."""
    if SocialAccount.objects.filter(user=user, provider=identity.provider).exists():
        raise Conflict("The account is linked to another identity of this provider.", code="another_identity")
    linked: SocialAccount = SocialAccount.objects.create(
        user=user, provider=identity.provider, uid=identity.subject, extra_data={"email": identity.email}
    )
    fact = events.IdentityLinked(
        user=user_payload(user), provider=linked.provider, identity_id=linked.pk, method=method
    )
    publish(fact, actor=user)
    return linked


def _require_active(user: User) -> None:
    if not user.is_active or user.kind != User.Kind.HUMAN:
        raise NotAuthenticated("This account is switched off. Ask an administrator.", code="account_inactive")


def _require_verified_email(identity: Identity) -> None:
    try:
        validate_email(identity.email)
    except ValidationError as error:
        raise NotAllowed("The provider names no e-mail address for you.", code="no_address") from error
    if not identity.is_verified:
        raise NotAllowed(
            "The provider has not verified your e-mail address. Verify it there, then try again.",
            code="email_not_verified_by_provider",
        )
