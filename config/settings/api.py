"""What the API takes and gives: how much of it, to whom, and in which form."""

from __future__ import annotations

from typing import Any

from config import env

# How much the API gives: {tier: (requests a window, burst beyond them)}; who exceeds it is blocked. In milliseconds.
RATE_LIMITS: dict[str, Any] = {
    "window": 15 * 60 * 1000,
    "block": 60 * 1000,
    "tiers": {
        "anonymous": (100, 0),
        "free": (300, 50),
        "premium": (1000, 100),
        "service": (3000, 300),
        "load": (100_000_000, 0),
    },
}
NODE_COUNT = env.integer("NODE_COUNT", 1)
LOCAL_CACHE_BYTES = env.integer("LOCAL_CACHE_BYTES", 48 * 1024 * 1024)
# How many of the threads compute at once; the others are for requests that wait for something slow.
MAX_CPU_BOUND_REQUESTS = env.integer("MAX_CPU_BOUND_REQUESTS", 2)
MAX_QUEUED_REQUESTS = env.integer("MAX_QUEUED_REQUESTS", 256)

TRUSTED_PROXIES = env.csv("TRUSTED_PROXIES")
# Sites whose scripts may read the API, with a token of their own; cookies are never taken from them.
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.auth.authentication.BearerAuthentication",
        "accounts.api_keys.authentication.ApiKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "accounts.auth.permissions.RequiresRecentLogin",
    ],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.OrjsonRenderer"],
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.TaskFlowAutoSchema",
    "EXCEPTION_HANDLER": "core.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "TaskFlow",
    "DESCRIPTION": "Tasks, projects, notifications and numbers of a self-hosted TaskFlow.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+/",
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
    "ENUM_NAME_OVERRIDES": {
        "UserRole": "accounts.models.User.Role",
        "ServiceAccountRole": "accounts.api_keys.service_accounts.services.SERVICE_ACCOUNT_ROLES",
        "TeamRole": "accounts.models.TeamMember.Role",
        "NotificationKind": "notifications.kinds.Kind",
        "ProjectRole": "tasks.models.Role",
        "SharedRole": "tasks.models.SharedRole",
        "Category": "tasks.models.Category",
    },
}
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 1024 * 1024)
MAX_UPLOAD_BYTES = env.integer("MAX_UPLOAD_BYTES", 10 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
