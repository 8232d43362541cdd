"""Settings of `make stack`: those of production, without what one machine lacks: TLS, a mail server, real users."""

import os

os.environ.setdefault("HTTPS", "false")
os.environ.setdefault("EMAIL_HOST", "127.0.0.1")

from config import env
from config.settings.production import *  # noqa: F403
from config.settings.production import DATA_DIR

DEMO_ALLOWED = True
MAILBOX_DIR = str(DATA_DIR / "mail")
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "notifications.email.dev_mailbox.DevMailboxBackend")
