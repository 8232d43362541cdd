"""Settings for development: plain HTTP on localhost, demo data, emails stored in a folder."""

from config import env, static_files
from config.settings.base import *  # noqa: F403
from config.settings.base import DATA_DIR, STORAGES, set_keys

globals().update(
    set_keys(
        secret_key=env.text("SECRET_KEY", "development-only-secret-key-" + "x" * 32),
        jwt_key=env.text("JWT_SIGNING_KEY", "development-only-signing-key-" + "x" * 32),
        jwt_previous_keys=env.csv("JWT_PREVIOUS_KEYS"),
    )
)
DEMO_ALLOWED = True
# Hashed names as in production, but not compressed: that takes longer than everything else at start.
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": static_files.storage_backend(compressed=env.boolean("COMPRESS_STATIC", False))},
}
MAILBOX_DIR = str(DATA_DIR / "mail")
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "notifications.email.dev_mailbox.DevMailboxBackend")
