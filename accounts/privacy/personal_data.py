"""This app's sections of a personal data export. Hashes, tokens and encrypted secrets are not exported."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount

from accounts.models import AccountDeletion, ApiKey, Export, Invitation, Session, TeamMember, User
from accounts.privacy import services
from core.privacy import ExportSection, PersonalDataProvider, in_batches

PROFILE_COLUMNS = (
    "id", "email", "handle", "name", "role", "tier", "time_zone", "language", "week_start", "theme", "density",
    "shortcuts", "reminder_time", "is_active", "created_at", "last_login",
)  # fmt: skip
SESSION_COLUMNS = ("id", "user_agent", "ip_address", "created_at", "last_seen_at", "expires_at", "revoked_at")
API_KEY_COLUMNS = (
    "id", "name", "prefix", "scopes", "projects", "allowed_networks", "created_at", "expires_at", "revoked_at",
    "last_used_at", "last_used_ip",
)  # fmt: skip
IDENTITY_COLUMNS = ("provider", "uid", "extra_data", "date_joined", "last_login")
INVITATION_COLUMNS = ("id", "email", "target", "created_at", "expires_at", "accepted_at", "revoked_at")


# `model_labels` of all providers are checked for completeness by tests/architecture/test_personal_data.py.
PROVIDER = PersonalDataProvider(
    parts=(
        ExportSection(
            "profile",
            "Your account and its settings.",
            lambda user: User.objects.filter(pk=user).values(*PROFILE_COLUMNS),
            ("accounts.User", "accounts.Avatar"),
        ),
        ExportSection(
            "sessions",
            "Where you were signed in.",
            lambda user: in_batches(Session.objects.filter(user=user).values("pk", *SESSION_COLUMNS)),
            ("accounts.Session",),
        ),
        ExportSection(
            "email_addresses",
            "Your email addresses, and whether they are verified.",
            lambda user: EmailAddress.objects.filter(user=user).values("email", "verified", "primary"),
            ("account.EmailAddress",),
        ),
        ExportSection(
            "mfa_methods",
            "Your methods for two-factor authentication.",
            lambda user: Authenticator.objects.filter(user=user).values("type", "created_at", "last_used_at"),
            ("mfa.Authenticator",),
        ),
        ExportSection(
            "linked_accounts",
            "Accounts of other providers that you sign in with, and the data we received from them.",
            lambda user: SocialAccount.objects.filter(user=user).values(*IDENTITY_COLUMNS),
            ("socialaccount.SocialAccount",),
        ),
        ExportSection(
            "api_keys",
            "Your API keys, without their secrets.",
            lambda user: in_batches(ApiKey.objects.filter(owner=user).values("pk", *API_KEY_COLUMNS)),
            ("accounts.ApiKey",),
        ),
        ExportSection(
            "teams",
            "The teams you are a member of.",
            lambda user: TeamMember.objects.filter(user=user).values("team_id", "team__name", "role", "created_at"),
            ("accounts.TeamMember",),
        ),
        ExportSection(
            "invitations",
            "Invitations you sent.",
            lambda user: in_batches(Invitation.objects.filter(inviter=user).values("pk", *INVITATION_COLUMNS)),
            ("accounts.Invitation",),
        ),
        ExportSection(
            "exports",
            "Your earlier exports.",
            lambda user: Export.objects.filter(user=user).values("id", "state", "size", "created_at", "expires_at"),
            ("accounts.Export",),
        ),
        ExportSection(
            "deletion",
            "Your requests to delete the account.",
            lambda user: AccountDeletion.objects.filter(user=user).values("requested_at", "due_at"),
            ("accounts.AccountDeletion",),
        ),
    ),
    erase=services.erase,
)
