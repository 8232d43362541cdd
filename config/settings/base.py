"""What holds everywhere, by subject. dev, test and production differ from it by what they say themselves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from config import env, static_files
from config.settings.stores import *  # noqa: F403  # noqa: F403  # noqa: F403  # noqa: F403  # noqa: F403  # noqa: F403
from core import logging as request_logging

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
    "django.contrib.admin",
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
    "allauth.socialaccount.providers.openid_connect",
    "allauth.headless",
    "core",
    "events",
    "gateway",
    "accounts",
    "tasks",
    "notifications",
    "analytics",
    "config",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "core.logging.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.http.response_headers.ResponseHeadersMiddleware",
    "config.middleware.PageCSPMiddleware",
    "config.middleware.PageStaticFilesMiddleware",
    "core.api.problems.ProblemDetailsMiddleware",
    "config.middleware.PageSessionMiddleware",
    "config.middleware.PageLocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.PageCsrfMiddleware",
    "config.middleware.PageAuthMiddleware",
    "accounts.auth.middleware.RequireMfaMiddleware",
    "accounts.users.middleware.LocaleMiddleware",
    "config.middleware.PageMessageMiddleware",
    "config.middleware.PageAllauthMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.PageHtmxMiddleware",
    "core.htmx.PageErrorMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

# The check looks for Django's own name; config.middleware.Forms is the same middleware, kept out of the API.
SILENCED_SYSTEM_CHECKS = ["security.W003"]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context_processors.page_context",
            ],
        },
    },
]

# E-mail
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.text("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = env.integer("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "TaskFlow <taskflow@localhost>")
MAIL_DOMAIN = env.text("MAIL_DOMAIN", "taskflow.localhost")
MAILBOX_DIR: str | None = None
DEMO_ALLOWED = False

# Time and words
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en"
# The pages are written in English; what differs is how days and numbers are written.
LANGUAGES = [("en", "English"), ("en-gb", "English (UK)")]

# Static files: hashed names, so they may be kept for ever.
# STATIC_URL may name a CDN that fetches from /static/ here: then pages may load from it.
STATIC_URL = env.text("STATIC_URL", "/static/")
STATIC_ORIGINS = static_files.cdn_origins(STATIC_URL)
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": static_files.storage_backend(compressed=env.boolean("COMPRESS_STATIC", True))},
}
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["map", "png", "jpg", "gif", "ico", "woff", "woff2", "gz", "br"]
WHITENOISE_MAX_AGE = 3600
WHITENOISE_ADD_HEADERS_FUNCTION = static_files.allow_cross_origin

# Headers
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", *STATIC_ORIGINS],
        "style-src": ["'self'", *STATIC_ORIGINS],
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

HEALTH_FREE_BYTES = env.integer("HEALTH_FREE_BYTES", 50 * 1024 * 1024)
DUE_SOON_WITHIN = timedelta(hours=24)
PROMETHEUS_EXPORT_MIGRATIONS = False
LOGGING_CONFIG = "logging.config.dictConfig"
LOG_JSON = env.boolean("LOG_JSON", False)
LOGGING = request_logging.configure(json=LOG_JSON, level=env.text("LOG_LEVEL", "INFO"))
