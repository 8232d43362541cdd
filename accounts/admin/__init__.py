"""Django admin of users, sessions, API keys and teams."""

from accounts.admin import api_keys, auth, privacy, site, teams, users

__all__ = ["api_keys", "auth", "privacy", "site", "teams", "users"]
