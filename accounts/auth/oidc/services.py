"""Linking of provider identities to accounts. An identity is the subject; an email address can change hands."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import events
from accounts.events import user_payload
from accounts.models import User
from accounts.users import services as users
from accounts.users.locales import DEFAULT_LOCALE, Locale
from core.clock import current_time
from core.errors import Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound
from core.validators import validate_email_address
from events.outbox import publish

MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """The verified claims of a provider about a user. `email` is lower case, or empty."""

    provider: str
    subject: str
    email: str
    email_verified: bool
    name: str


def login_with_identity(*, identity: Identity, locale: Locale = DEFAULT_LOCALE) -> SocialAccount:
    """Return the identity's link to a user: a known one, one by verified address, or that of a new user.

    Raises NotAuthenticated, NotAllowed, Conflict. Of two first sign-ins at the same time, the database's constraints
    reject one, which then finds what the other has created.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            with transaction.atomic():
                return _find_linked(identity) or _link_by_verified_email(identity) or _register_user(identity, locale)
        except (IntegrityError, Invalid):  # Invalid: the other sign-in has taken the address
            continue
    raise Conflict("Another sign-in with this identity is in progress. Try again.")


@transaction.atomic
def link_identity(*, actor: User, identity: Identity) -> SocialAccount:
    """Link the identity to the actor, who is signed in: their address at the provider proves nothing. Raises Conflict."""
    user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    social_account = SocialAccount.objects.filter(provider=identity.provider, uid=identity.subject).first()
    if social_account is not None and social_account.user_id != user.pk:
        raise Conflict("This provider account is linked to another TaskFlow account.", code="identity_taken")
    try:
        with transaction.atomic():
            return social_account or _link(user, identity, "manual")
    except IntegrityError as error:
        raise Conflict("This provider account is linked to another TaskFlow account.", code="identity_taken") from error


@transaction.atomic
def unlink_identity(*, actor: User, identity_id: int, now: datetime) -> None:
    """Remove an identity. Raises NotFound, and Conflict if it is the only login method."""
    user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    social_account = SocialAccount.objects.filter(pk=identity_id, user=user).first()
    if social_account is None:
        raise NotFound("There is no such identity.")
    require_another_login_method(user, social_account)
    delete_identity(social_account, owner=user, actor=user, now=now)


@transaction.atomic
def unlink_unverified_identities(*, owner: User, actor: User, now: datetime) -> int:
    """Remove every identity with another address than the owner's verified one, and return their number.

    An attacker with a stolen password links an identity of their own to keep access after the password is changed.
    """
    is_verified = EmailAddress.objects.filter(user=owner, email=owner.email, verified=True).exists()
    foreign = [
        social_account
        for social_account in SocialAccount.objects.select_for_update().filter(user=owner).order_by("pk")
        if not is_verified
        or social_account.extra_data.get("email_verified") is False
        or social_account.extra_data.get("email", "").lower() != owner.email
    ]
    for social_account in foreign:
        delete_identity(social_account, owner=owner, actor=actor, now=now)
    return len(foreign)


def delete_identity(social_account: SocialAccount, *, owner: User, actor: User, now: datetime) -> None:
    """Remove an identity within the caller's transaction, even if it is the only login method."""
    social_account.delete()
    publish(events.IdentityUnlinked(user=user_payload(owner), provider=social_account.provider), actor=actor, at=now)


@transaction.atomic
def record_rejected_login(*, provider: str, reason: str, address: str, device: str) -> None:
    """Publish the event of a failed sign-in with a provider."""
    event = events.IdentityRejected(
        user=events.ANONYMOUS_USER, provider=provider, reason=reason, address=address, device=device
    )
    publish(event, actor=None)


def require_another_login_method(user: User, social_account: SocialAccount) -> None:
    """Raise Conflict if the user has no password, no passkey and no other identity."""
    if user.has_usable_password() or Authenticator.objects.filter(user=user, type="webauthn").exists():
        return
    if not SocialAccount.objects.filter(user=user).exclude(pk=social_account.pk).exists():
        raise Conflict("This is your only way to sign in. Set a password first.", code="last_login_method")


def _find_linked(identity: Identity) -> SocialAccount | None:
    social_account = (
        SocialAccount.objects.select_related("user").filter(provider=identity.provider, uid=identity.subject).first()
    )
    if social_account is not None:
        _require_active(social_account.user)
    return social_account


def _link_by_verified_email(identity: Identity) -> SocialAccount | None:
    """Link the identity to the user with its address, if both sides have verified it.

    Otherwise an attacker could register with the victim's address, keep the password, and wait for the victim to sign
    in with the provider (account pre-hijacking).
    """
    try:
        validate_email_address(identity.email)
    except ValidationError as error:
        raise NotAllowed("The provider didn't share your email address.", code="no_address") from error
    if not identity.email_verified:
        raise NotAllowed(
            "The provider hasn't verified your email address. Verify it there, then try again.",
            code="email_not_verified_by_provider",
        )
    user: User | None = User.objects.select_for_update(no_key=True).filter(email=identity.email).first()
    if user is None:
        return None
    _require_active(user)
    if social_account := _find_linked(identity):  # by a sign-in that had the lock before
        return social_account
    if not EmailAddress.objects.filter(user=user, email=identity.email, verified=True).exists():
        raise NotAllowed(
            "An account with this email address exists, but the address isn't verified yet. Sign in with the password "
            "(or reset it), then link the provider in the settings.",
            code="address_not_verified_here",
        )
    return _link(user, identity, "email")


def _register_user(identity: Identity, locale: Locale) -> SocialAccount:
    name = identity.name or identity.email.partition("@")[0]
    user = User(email=identity.email, name=name, **asdict(locale))
    # Nobody has chosen a password, so none must work. The settings page offers to set one.
    user.set_unusable_password()
    users.create_user(user)
    EmailAddress.objects.create(user=user, email=identity.email, verified=True, primary=True)
    return _link(user, identity, "registered")


def _link(user: User, identity: Identity, method: str) -> SocialAccount:
    """Create the link. Raises Conflict for a second identity of a provider, which may be the address's next owner."""
    # Not replaced: the company may have given the address, and with it the provider account, to a new employee.
    if SocialAccount.objects.filter(user=user, provider=identity.provider).exists():
        raise Conflict(
            "The TaskFlow account is already linked to another account of this provider.", code="another_identity"
        )
    social_account: SocialAccount = SocialAccount.objects.create(
        user=user,
        provider=identity.provider,
        uid=identity.subject,
        # An unverified address may be another person's: it is shown, and keeps no identity after a password reset.
        extra_data={"email": identity.email} | ({} if identity.email_verified else {"email_verified": False}),
    )
    # Django takes the clock of the process; how long the link in the email is valid follows this one.
    SocialAccount.objects.filter(pk=social_account.pk).update(date_joined=current_time())
    event = events.IdentityLinked(
        user=user_payload(user), provider=social_account.provider, identity_id=social_account.pk, method=method
    )
    publish(event, actor=user)
    return social_account


def _require_active(user: User) -> None:
    if not user.is_active or user.kind != User.Kind.HUMAN:
        raise NotAuthenticated("This account is deactivated. Ask an administrator.", code="account_inactive")
