"""Settings for tests: real PostgreSQL and Redis, cheap password hashes, high rate limits."""

import os

from config.settings.base import *  # noqa: F403
from config.settings.base import CACHES, DATA_DIR, DATABASES, REDIS_URL, STATIC_ROOT, STORAGES, set_keys

globals().update(set_keys(secret_key="test-secret-key-" + "x" * 32, jwt_key="test-signing-key-" + "x" * 32))
# Argon2 is slow on purpose: thousands of test users would take minutes.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
EMAIL_BACKEND = "notifications.email.backend.SmtpBackend"
MAILBOX_DIR = str(DATA_DIR / "test-mail")
DEMO_ALLOWED = True
LOGIN_RATE_PER_ADDRESS = CREDENTIAL_FORM_RATE = "10000/m"
REGISTER_RATE = "10000/m"
PAGE_RATE = ANONYMOUS_FORM_RATE = "1000000/m"
# Concurrency tests start more threads than a node has.
DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 24
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Each pytest worker has its own Redis database, so that no worker flushes another's.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
REDIS_DATABASE = 8 + int(_worker) % 8
CACHES["default"]["LOCATION"] = f"{REDIS_URL.split('?')[0]}?db={REDIS_DATABASE}"
# Static files are served from their sources; tests do not collect them.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
