"""Django admin of users, what they sign in with, and teams."""

from accounts.admin import credentials, privacy, site, teams, users

__all__ = ["credentials", "privacy", "site", "teams", "users"]
