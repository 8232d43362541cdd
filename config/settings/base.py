"""Settings of all environments, by section; dev, test and production override some of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.auth.mfa import enforcement
from config import attachments, env, oidc_providers, queues, static_files, subscriptions
from config.schedule import SCHEDULE
from core import logging as request_logging
from core import redis

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var")))
VERSION = "0.1.0"

DEBUG = False
ALLOWED_HOSTS = env.csv("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.csv("CSRF_TRUSTED_ORIGINS")
SITE_URL = env.text("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

INSTALLED_APPS = [
    "django_prometheus",
    "config.apps.PageAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "config.apps.PageStaticFilesConfig",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "config.apps.PageAccountConfig",
    "allauth.mfa",
    "allauth.socialaccount",
    "core",
    "events",
    "accounts",
    "tasks",
    "notifications",
    "analytics",
    "config",
]

# The Page... classes skip the API (config.middleware); the others run for every request.
MIDDLEWARE = [
    # First and last, so that the measured time covers all others.
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "core.logging.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.http.response_headers.ResponseHeadersMiddleware",
    "config.middleware.PageCSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Outside of all that may fail: errors of the API become problem details (RFC 9457).
    "core.api.problems.ProblemDetailsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.PageLocaleMiddleware",
    "core.http.append_slash.AppendSlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.middleware.PageAuthMiddleware",
    "accounts.auth.sessions.middleware.PageRateLimitMiddleware",
    "accounts.auth.sessions.middleware.RequireMfaMiddleware",
    # After authentication: the user's own language and time zone replace the browser's.
    "accounts.users.middleware.LocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "tasks.undo.tokens.UndoTokenMiddleware",
    "config.middleware.PageAllauthMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.sign_in_redirects.SignInRedirectMiddleware",
    "core.htmx.PageErrorMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {"identity_providers": "accounts.auth.template_tags"},
            "builtins": ["core.templatetags.forms", "django.templatetags.i18n"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context_processors.page_context",
            ],
        },
    },
]

# --- PostgreSQL and Redis ---------------------------------------------------------------------------------------------

# Each process has a pool: a connection for each WSGI thread, and two for its other threads.
WSGI_THREADS = env.integer("WSGI_THREADS", 4)
# Seconds. A statement without an answer for so long makes the process check whether the server still answers.
DATABASE_PROBE_AFTER = env.integer("DATABASE_PROBE_AFTER_MS", 10_000) / 1000
DATABASES: dict[str, Any] = {"default": env.database("DATABASE_URL", "postgresql://taskflow@127.0.0.1/taskflow")}
DATABASES["default"]["OPTIONS"].update(
    {
        # No attempts of its own after a failure: requests try again (core.postgresql.availability).
        "pool": {
            "min_size": 1,
            "max_size": WSGI_THREADS + 2,
            "timeout": env.integer("POOL_TIMEOUT", 5),
            "reconnect_timeout": 0,
        },
        "connect_timeout": 5,
        # A server whose machine is gone, after a failover for instance, ends idle connections too; not by Unix socket.
        "tcp_user_timeout": 5000,
        # Word similarity of 0.45 still finds "gateway" for "gatway"; PostgreSQL's default of 0.6 does not. JIT is off,
        # because compiling a plan takes longer than any query here.
        "options": "-c pg_trgm.word_similarity_threshold=0.45 -c jit=off"
        # The server notices within 11 s that a client's machine is gone, and releases its locks: the relay's above all.
        " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
        f" -c statement_timeout={env.integer('STATEMENT_TIMEOUT_MS', 0)}"
        f" -c lock_timeout={env.integer('LOCK_TIMEOUT_MS', 0)}",
        # Off behind a pooler that does not support prepared statements (PgBouncer before 1.21).
        "prepare_threshold": 5 if env.boolean("PREPARED_STATEMENTS", True) else None,
    }
)
# The pool keeps connections open; Django must not keep them as well.
DATABASES["default"]["CONN_MAX_AGE"] = 0
# Slower statements are logged.
SLOW_QUERY_MS = env.integer("SLOW_QUERY_MS", 200)
# A server-side cursor needs one connection for its whole life, which a transaction pooler does not give.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True

# Redis is a cache that may be lost: every call times out after a quarter of a second, and no request fails because of it.
REDIS_URL = env.server("REDIS_URL", "redis://127.0.0.1:6379/0", ("redis", "rediss", "unix"))
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "taskflow",
        "OPTIONS": {
            "CONNECTION_POOL_KWARGS": {
                "socket_timeout": redis.TIMEOUT,
                "socket_connect_timeout": redis.TIMEOUT,
                # No retries: they would multiply the timeout of every request while Redis is down.
                "retry": Retry(NoBackoff(), 0),
            },
            "IGNORE_EXCEPTIONS": True,
        },
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True

# --- API, rate limits and load ----------------------------------------------------------------------------------------

# Rate limits of the API. Tiers: (requests per window, burst on top); exceeding both blocks the caller for `block`.
# Times are in milliseconds.
RATE_LIMITS: dict[str, Any] = {
    "window": 15 * 60 * 1000,
    "block": 60 * 1000,
    "tiers": {
        "anonymous": (100, 0),
        "free": (300, 50),
        "premium": (1000, 100),
        "service": (3000, 300),
        # For load tests: counted like any other tier, but out of reach.
        "load": (100_000_000, 0),
    },
}
NODE_COUNT = env.integer("NODE_COUNT", 1)
LOCAL_CACHE_BYTES = env.integer("LOCAL_CACHE_BYTES", 48 * 1024 * 1024)
# How many WSGI threads may compute at once; the others serve requests that wait for the database or the network.
MAX_CPU_BOUND_REQUESTS = env.integer("MAX_CPU_BOUND_REQUESTS", 2)
MAX_QUEUED_REQUESTS = env.integer("MAX_QUEUED_REQUESTS", 256)

TRUSTED_PROXIES = env.csv("TRUSTED_PROXIES")
# Sites whose scripts may use the API with a token (CORS). Cookies are never accepted from them.
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.auth.authentication.BearerAuthentication",
        "accounts.api_keys.authentication.ApiKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "accounts.auth.authentication.RequiresRecentLogin",
    ],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.OrjsonRenderer"],
    # The API speaks JSON only, so ?format= is an unknown parameter like any other.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.TaskFlowAutoSchema",
    "EXCEPTION_HANDLER": "core.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "TaskFlow",
    "DESCRIPTION": "Tasks, projects, notifications and analytics of a self-hosted TaskFlow.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+/",
    # Fields that only responses have must not be required in requests.
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "accounts.api_keys.authentication.document_scopes",
        "core.api.schema.add_problem_responses",
        "accounts.auth.reauthentication_api.document_reauthentication",
    ],
    # Names for enums that drf-spectacular would number otherwise, because several fields share a name.
    "ENUM_NAME_OVERRIDES": {
        "UserRole": "accounts.models.User.Role",
        "ServiceAccountRole": "accounts.api_keys.service_accounts.SERVICE_ACCOUNT_ROLES",
        "TeamRole": "accounts.models.TeamMember.Role",
        "NotificationKind": "notifications.kinds.Kind",
        "ProjectRole": "tasks.models.Role",
        "SharedRole": "tasks.models.SharedRole",
        "LinkRole": "tasks.models.LinkRole",
        "Category": "tasks.models.Category",
        "FieldKind": "tasks.models.FieldKind",
    },
}
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 1024 * 1024)
MAX_UPLOAD_BYTES = env.integer("MAX_UPLOAD_BYTES", 10 * 1024 * 1024)
# Of one attachment, of a task, and of all attachments of a project.
ATTACHMENT_MAX_BYTES = env.integer("ATTACHMENT_MAX_BYTES", 100 * 1024 * 1024)
ATTACHMENT_MAX_PER_TASK = env.integer("ATTACHMENT_MAX_PER_TASK", 100)
ATTACHMENT_PROJECT_QUOTA_BYTES = env.integer("ATTACHMENT_PROJECT_QUOTA_BYTES", 5 * 1024**3)
# The file with the rest of its form.
MAX_ATTACHMENT_BODY_BYTES = ATTACHMENT_MAX_BYTES + MAX_BODY_BYTES
# Of bodies while they arrive; a folder in memory (tmpfs) would make memory grow with them. Empty: the system's.
FILE_UPLOAD_TEMP_DIR = env.text("UPLOAD_TEMP_DIR", "") or None
# The gateway refuses larger bodies first; this is the limit without it, as in tests.
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# --- Passwords, sessions and tokens -----------------------------------------------------------------------------------

SESSION_ENGINE = "core.security.session_store"
# A session ends after this time without use, and after its lifetime in any case; for browsers and API clients alike.
SESSION_IDLE_TIMEOUT = timedelta(days=7)
SESSION_LIFETIME = timedelta(days=30)
SESSION_COOKIE_AGE = int(SESSION_LIFETIME.total_seconds())
DEVICE_COOKIE_NAME = "device"
MESSAGES_COOKIE_NAME = "messages"
MESSAGE_STORAGE = "config.message_storage.MessageStorage"
SESSION_COOKIE_HTTPONLY = True
# Lax, not Strict: a link in an email must find the reader signed in.
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.pages.csrf_failure"

# Former keys: what they signed or encrypted can still be read.
SECRET_KEY_FALLBACKS = env.csv("SECRET_KEY_FALLBACKS")
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name", "handle")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.auth.passwords.validators.ServiceNameValidator"},
    {"NAME": "accounts.auth.passwords.validators.BreachedPasswordValidator"},
]
PWNED_PASSWORDS_URL = env.url("PWNED_PASSWORDS_URL")
# This one accepts no credentials: accounts.auth.login verifies them, and accounts.auth.sessions.middleware loads users.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.BaseBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
# A client may send a used refresh token again within this time, for example after a lost response.
REFRESH_GRACE_PERIOD = timedelta(seconds=10)
SIMPLE_JWT: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": SESSION_IDLE_TIMEOUT,
    "ALGORITHM": "HS256",
    "ISSUER": "taskflow",
    "AUDIENCE": "taskflow",
    "USER_ID_CLAIM": "sub",
}
# Forms with secrets that one address sends, right or wrong; django-ratelimit lets them pass while Redis is down.
CREDENTIAL_FORM_RATE = env.text("CREDENTIAL_FORM_RATE", "60/m")
RATELIMIT_FAIL_OPEN = True
LOGIN_RATE_PER_ADDRESS = env.text("LOGIN_RATE_PER_ADDRESS", "60/5m")
LOGIN_RATE_PER_ACCOUNT = env.text("LOGIN_RATE_PER_ACCOUNT", "10/5m")
REGISTER_RATE = env.text("REGISTER_RATE", "20/h")
INVITE_RATE = env.text("INVITE_RATE", "50/d")
EXPORT_RATE = env.text("EXPORT_RATE", "5/d")
# All pages of one user, and the forms of one address that is not signed in. Tier `load` has no limit.
PAGE_RATE = env.text("PAGE_RATE", "600/m")
ANONYMOUS_FORM_RATE = env.text("ANONYMOUS_FORM_RATE", "300/m")
AVATAR_RATE = env.text("AVATAR_RATE", "20/h")

# --- Registration, MFA and email verification, partly by django-allauth -----------------------------------------------

REQUIRE_VERIFIED_EMAIL = env.boolean("REQUIRE_VERIFIED_EMAIL", False)
# Which users must set up MFA. Part of every cache key, so that nodes with different rules share no cached responses.
REQUIRE_MFA = env.choice("REQUIRE_MFA", "nobody", tuple(enforcement.MFA_POLICIES))
CACHE_KEY_VARIANT = REQUIRE_MFA
MFA_RATE = env.text("MFA_RATE", "10/5m")
EMAIL_LINK_RATE = env.text("EMAIL_LINK_RATE", "5/h")
MFA_CHALLENGE_LIFETIME = timedelta(minutes=5)
# How long a reauthentication is valid ("sudo mode"), on pages and in the API.
REAUTHENTICATION_MAX_AGE = timedelta(minutes=5)
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(REAUTHENTICATION_MAX_AGE.total_seconds())

PASSWORD_RESET_TIMEOUT = 3 * 3600  # seconds

ACCOUNT_ADAPTER = "accounts.auth.allauth.reauthentication.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_FORMS = {"reauthenticate": "accounts.auth.allauth.forms.ReauthenticateForm"}
ACCOUNT_USER_DISPLAY = "builtins.str"
# accounts.auth.login limits all of these, also while Redis is down; allauth's own limits would refuse all then.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False

MFA_ADAPTER = "accounts.auth.mfa.services.MfaAdapter"
MFA_FORMS = {
    "reauthenticate": "accounts.auth.allauth.forms.ReauthenticateCodeForm",
    "reauthenticate_webauthn": "accounts.auth.allauth.forms.PasskeyReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# accounts.auth.mfa.enrollment checks what matters: that the present address is verified.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# --- Sign-in with OpenID Connect --------------------------------------------------------------------------------------

# Seconds that one sign-in may wait for the provider in all.
OIDC_TIMEOUT = env.integer("OIDC_TIMEOUT", 5)
OIDC_PROVIDERS = oidc_providers.from_environment()

# --- Jobs and events (Celery) -----------------------------------------------------------------------------------------

# kombu has its own syntax for Unix sockets and database numbers.
CELERY_BROKER_URL = env.server(
    "CELERY_BROKER_URL",
    REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host="),
    ("redis", "rediss", "redis+socket", "amqp", "amqps", "sentinel"),
)
CELERY_TASK_QUEUES = queues.QUEUES
CELERY_TASK_DEFAULT_QUEUE = queues.DEFAULT
CELERY_TASK_ROUTES = ("config.queues.route",)
CELERY_TASK_IGNORE_RESULT = True
# A job is acknowledged when it is done, so a killed worker's job runs again. All jobs are idempotent.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if not CELERY_BROKER_URL.startswith("amqp"):
    # Redis has no acknowledgements of its own: jobs that are not acknowledged in time are restored by kombu.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 60,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        # Together less than half a second: a request must not wait for a broker that is frozen or away. Workers,
        # which read from it, wait longer (config.celery).
        "socket_timeout": 0.2,
        "socket_connect_timeout": 0.2,
        "max_retries": 0,
    }
# A request must not wait for a broker that is down: the job's row stays and a sweep enqueues it later.
CELERY_TASK_PUBLISH_RETRY = False
# Celery closes the connection pool after so many jobs, by default after each; config.celery returns connections instead.
CELERY_DB_REUSE_MAX = 1_000_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE
SUBSCRIPTIONS = subscriptions.SUBSCRIPTIONS
# Lower apps call these functions of upper apps by name, because they may not import them.
CACHE_INVALIDATION_HOOK = "config.invalidation.invalidate"
PERSONAL_DATA_PROVIDERS = "config.privacy.PROVIDERS"
API_KEY_PROJECT_RESOLVER = "tasks.project_scope.RESOLVER"
ACCOUNT_EMAIL_QUEUE = "notifications.jobs.enqueue_account_email"

# --- Email ------------------------------------------------------------------------------------------------------------

EMAIL_BACKEND = "notifications.email.backend.SmtpBackend"
EMAIL_HOST = env.text("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = env.integer("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", False)
# TLS from the first byte, which port 465 is for (RFC 8314); EMAIL_USE_TLS is STARTTLS, as on ports 25 and 587.
EMAIL_USE_SSL = env.boolean("EMAIL_USE_SSL", EMAIL_PORT == 465 and not EMAIL_USE_TLS)
if EMAIL_USE_TLS and (EMAIL_USE_SSL or EMAIL_PORT == 465):
    raise ImproperlyConfigured(
        "EMAIL_USE_TLS is STARTTLS on a plain connection, as on port 587. Port 465 expects TLS from the first byte: "
        "remove EMAIL_USE_TLS, or set EMAIL_USE_SSL=true instead of it."
    )
# For the connection and for each command; the reply to a whole message may take longer.
EMAIL_TIMEOUT = 5
# Notifications that follow within this time of an email to the same user go into one email at its end; 0 sends each alone.
NOTIFICATION_BATCH_WINDOW = timedelta(seconds=env.integer("NOTIFICATION_BATCH_SECONDS", 120))
# To one recipient, and caused by one user, with and without a verified address; further notifications are in the inbox only.
NOTIFICATION_EMAILS_PER_HOUR = env.integer("NOTIFICATION_EMAILS_PER_HOUR", 30)
NOTIFICATION_EMAILS_PER_SENDER = env.integer("NOTIFICATION_EMAILS_PER_SENDER", 200)
NOTIFICATION_EMAILS_PER_UNVERIFIED_SENDER = env.integer("NOTIFICATION_EMAILS_PER_UNVERIFIED_SENDER", 20)
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "TaskFlow <taskflow@localhost>")
MAIL_DOMAIN = env.text("MAIL_DOMAIN", "taskflow.localhost")
# Set in development and tests only.
MAILBOX_DIR: str | None = None
DEMO_ALLOWED = False

# --- Time and languages -----------------------------------------------------------------------------------------------

TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en"
# "English" and "English (UK)" differ in how dates and numbers are formatted. Each language is named in itself.
LANGUAGES = [("en", "English"), ("en-gb", "English (UK)"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"

# --- Static files -----------------------------------------------------------------------------------------------------

# Files have hashed names, so browsers may cache them for ever. STATIC_URL may name a CDN that fetches from /static/
# here; the Content-Security-Policy then allows it.
STATIC_URL = env.text("STATIC_URL", "/static/")
STATIC_ORIGINS = static_files.cdn_origins(STATIC_URL)
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": static_files.storage_backend(compressed=env.boolean("COMPRESS_STATIC", True))},
}
# Attachments: `local` is a folder that all nodes and workers share, `s3` a bucket (requirements-extras.txt).
ATTACHMENT_STORAGE = env.choice("ATTACHMENT_STORAGE", "local", attachments.STORAGES)
ATTACHMENT_DIR = Path(env.text("ATTACHMENT_DIR", str(DATA_DIR / "attachments")))
STORAGES["attachments"] = attachments.storage_settings(ATTACHMENT_STORAGE, ATTACHMENT_DIR)
STORAGES["event_archive"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": env.text("EVENT_ARCHIVE_DIR", str(DATA_DIR / "event-archive"))},
}
# clamd's address, such as tcp://127.0.0.1:3310; without it files are not scanned.
CLAMAV_URL = env.server("CLAMAV_URL", "", ("tcp",)) if env.text("CLAMAV_URL", "") else ""
# Source maps are for developers; the other formats are compressed already.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["map", "png", "jpg", "gif", "ico", "woff", "woff2", "gz", "br"]
WHITENOISE_MAX_AGE = 3600
WHITENOISE_ADD_HEADERS_FUNCTION = static_files.allow_cross_origin

# --- Response headers -------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", *STATIC_ORIGINS],
        "style-src": ["'self'", *STATIC_ORIGINS],
        # data: for the QR code of two-factor authentication.
        "img-src": ["'self'", "data:", *STATIC_ORIGINS],
        "font-src": ["'self'", *STATIC_ORIGINS],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Health, metrics and logging --------------------------------------------------------------------------------------

# /health reports a failure when the storage has less free space.
HEALTH_FREE_BYTES = env.integer("HEALTH_FREE_BYTES", 50 * 1024 * 1024)
DUE_SOON_WITHIN = timedelta(hours=24)
# Deleted objects can be restored for so long, and the last write can be undone.
TRASH_RETENTION = timedelta(days=env.integer("TRASH_RETENTION_DAYS", 30))
UNDO_PERIOD = timedelta(minutes=10)
# Projects without open tasks that nobody has changed for so many days are archived; 0 archives none.
ARCHIVE_PROJECTS_AFTER_DAYS = env.integer("ARCHIVE_PROJECTS_AFTER_DAYS", 0)
# Events older than so many days leave the database for compressed files; 0 archives none.
ARCHIVE_EVENTS_AFTER_DAYS = env.integer("ARCHIVE_EVENTS_AFTER_DAYS", 0)
# False makes browsers remove the service worker that they have.
SERVICE_WORKER = env.boolean("SERVICE_WORKER", True)
PROMETHEUS_EXPORT_MIGRATIONS = False
LOGGING_CONFIG = "logging.config.dictConfig"
LOG_JSON = env.boolean("LOG_JSON", False)
LOGGING = request_logging.configure(json=LOG_JSON, level=env.text("LOG_LEVEL", "INFO"))


def set_keys(*, secret_key: str, jwt_key: str, jwt_previous_keys: Sequence[str] = ()) -> dict[str, Any]:
    """Return the key settings; raises ImproperlyConfigured for a key under 32 bytes (RFC 7518, section 3.2)."""
    previous = [("JWT_PREVIOUS_KEYS", key) for key in jwt_previous_keys]
    for name, value in (("SECRET_KEY", secret_key), ("JWT_SIGNING_KEY", jwt_key), *previous):
        if len(value.encode()) < 32:
            raise ImproperlyConfigured(f"{name} must hold at least 32 bytes.")
    return {
        "SECRET_KEY": secret_key,
        "SIMPLE_JWT": {**SIMPLE_JWT, "SIGNING_KEY": jwt_key, "PREVIOUS_KEYS": tuple(jwt_previous_keys)},
    }
