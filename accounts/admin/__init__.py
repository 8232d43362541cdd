"""Register the models of users and their sessions, API keys and teams with the Django admin."""

from accounts.admin import api_keys, auth, privacy, site, teams, users

__all__ = ["api_keys", "auth", "privacy", "site", "teams", "users"]
