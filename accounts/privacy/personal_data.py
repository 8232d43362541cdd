"""This app's sections of a personal data export. Hashes, tokens and encrypted secrets are not exported."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount

from accounts.models import (
    AccountDeletion,
    ApiKey,
    EmailChange,
    Export,
    Invitation,
    SecurityChange,
    Session,
    TeamMember,
    User,
)
from accounts.privacy import services
from core.privacy import PersonalDataProvider, section_of

PROFILE_COLUMNS = (
    "id", "email", "handle", "name", "role", "tier", "time_zone", "language", "week_start", "theme", "density",
    "shortcuts", "home", "list_columns", "reminder_time", "is_active", "created_at", "last_login",
)  # fmt: skip
SESSION_COLUMNS = ("id", "user_agent", "ip_address", "created_at", "last_seen_at", "expires_at", "revoked_at")
API_KEY_COLUMNS = (
    "id", "name", "prefix", "scopes", "projects", "allowed_networks", "created_at", "expires_at", "revoked_at",
    "last_used_at", "last_used_ip",
)  # fmt: skip
IDENTITY_COLUMNS = ("provider", "uid", "extra_data", "date_joined", "last_login")
INVITATION_COLUMNS = ("id", "email", "target", "created_at", "expires_at", "accepted_at", "revoked_at")

PROFILE = section_of(User, "profile", "Your account and its settings.", PROFILE_COLUMNS, owner="pk")
IDENTITIES_TEXT = "Accounts of other providers that you sign in with, and the data we received from them."

# `model_labels` of all providers are checked for completeness by tests/architecture/test_personal_data.py.
PROVIDER = PersonalDataProvider(
    parts=(
        # The picture is a file of its own beside this section.
        PROFILE._replace(model_labels=("accounts.User", "accounts.Avatar")),
        section_of(Session, "sessions", "Where you were signed in.", SESSION_COLUMNS),
        section_of(
            EmailAddress,
            "email_addresses",
            "Your email addresses, and whether they are verified.",
            ("email", "verified", "primary"),
        ),
        section_of(
            EmailChange,
            "former_email_addresses",
            "Addresses that you replaced lately.",
            ("email", "changed_at", "expires_at"),
        ),
        section_of(
            Authenticator,
            "mfa_methods",
            "Your methods for two-factor authentication.",
            ("type", "created_at", "last_used_at"),
        ),
        section_of(
            SecurityChange,
            "security_changes",
            "Changes of your password and your methods that you can still undo.",
            ("change", "changed_at", "expires_at"),
        ),
        section_of(SocialAccount, "linked_accounts", IDENTITIES_TEXT, IDENTITY_COLUMNS),
        section_of(ApiKey, "api_keys", "Your API keys, without their secrets.", API_KEY_COLUMNS, owner="owner"),
        section_of(
            TeamMember, "teams", "The teams you are a member of.", ("team_id", "team__name", "role", "created_at")
        ),
        section_of(Invitation, "invitations", "Invitations you sent.", INVITATION_COLUMNS, owner="inviter"),
        section_of(Export, "exports", "Your earlier exports.", ("id", "state", "size", "created_at", "expires_at")),
        section_of(AccountDeletion, "deletion", "Your requests to delete the account.", ("requested_at", "due_at")),
    ),
    erase=services.erase,
)
