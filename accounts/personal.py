"""What this app knows about a person. Hashes, tokens and encrypted secrets are nobody's to take away."""

from __future__ import annotations

import uuid

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet

from accounts.models import ApiKey, Departure, Export, Invitation, Session, TeamMember, User
from accounts.services.departures import forget
from core.personal import Keeper, Part, Row, in_batches

PROFILE = (
    "id", "email", "handle", "name", "role", "tier", "time_zone", "language", "week_start", "theme", "density",
    "shortcuts", "is_active", "created_at", "last_login",
)  # fmt: skip
SESSION = ("id", "user_agent", "address", "created_at", "rotated_at", "expires_at", "revoked_at")
KEY = (
    "id", "name", "prefix", "scopes", "projects", "addresses", "created_at", "expires_at", "revoked_at",
    "last_used_at", "last_used_address",
)  # fmt: skip
LINKED = ("provider", "uid", "extra_data", "date_joined", "last_login")
INVITATION = ("id", "email", "target", "created_at", "expires_at", "accepted_at", "revoked_at")


def profile(person_id: uuid.UUID) -> QuerySet[User, Row]:
    found: QuerySet[User, Row] = User.objects.filter(pk=person_id).values(*PROFILE)
    return found


KEEPER = Keeper(
    parts=(
        Part("profile", "Your account and its settings.", profile, ("accounts.User", "accounts.Avatar")),
        Part(
            "sessions",
            "Where you were signed in.",
            lambda person: in_batches(Session.objects.filter(user=person).values("pk", *SESSION)),
            ("accounts.Session",),
        ),
        Part(
            "addresses",
            "Your e-mail addresses, and whether you have shown that they are yours.",
            lambda person: EmailAddress.objects.filter(user=person).values("email", "verified", "primary"),
            ("account.EmailAddress",),
        ),
        Part(
            "second_factors",
            "What you sign in with besides the password.",
            lambda person: Authenticator.objects.filter(user=person).values("type", "created_at", "last_used_at"),
            ("mfa.Authenticator",),
        ),
        Part(
            "linked_accounts",
            "Accounts elsewhere that you sign in with, and what they told us.",
            lambda person: SocialAccount.objects.filter(user=person).values(*LINKED),
            ("socialaccount.SocialAccount",),
        ),
        Part(
            "api_keys",
            "Your API keys, without their secrets.",
            lambda person: in_batches(ApiKey.objects.filter(owner=person).values("pk", *KEY)),
            ("accounts.ApiKey",),
        ),
        Part(
            "teams",
            "The teams you are in.",
            lambda person: TeamMember.objects.filter(user=person).values("team_id", "team__name", "role", "created_at"),
            ("accounts.TeamMember",),
        ),
        Part(
            "invitations",
            "Whom you invited.",
            lambda person: in_batches(Invitation.objects.filter(inviter=person).values("pk", *INVITATION)),
            ("accounts.Invitation",),
        ),
        Part(
            "exports",
            "When you took your data along.",
            lambda person: Export.objects.filter(user=person).values("id", "state", "size", "created_at", "expires_at"),
            ("accounts.Export",),
        ),
        Part(
            "departure",
            "When you asked to leave.",
            lambda person: Departure.objects.filter(user=person).values("requested_at", "due_at"),
            ("accounts.Departure",),
        ),
    ),
    forget=forget,
)
