"""The suite: real PostgreSQL and a real Redis-compatible server, cheap passwords, limits that tests raise themselves."""

import os

from config.settings.base import *  # noqa: F403
from config.settings.base import CACHES, DATA_DIR, DATABASES, REDIS_URL, STATIC_ROOT, STORAGES, set_keys

globals().update(set_keys(secret_key="test-secret-key-" + "x" * 32, jwt_key="test-signing-key-" + "x" * 32))
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
MAILBOX_DIR = str(DATA_DIR / "test-mail")
DEMO_ALLOWED = True
LOGIN_RATE_PER_ADDRESS = "10000/m"
REGISTER_RATE = "10000/m"
DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 24
# Each worker of the suite keeps to its own Redis database, so that none flushes another's.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
REDIS_DATABASE = 8 + int(_worker) % 8
CACHES["default"]["LOCATION"] = f"{REDIS_URL.split('?')[0]}?db={REDIS_DATABASE}"
# Static files straight from the sources: the suite collects none.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
