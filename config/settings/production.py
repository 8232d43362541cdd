"""Settings for production, behind a proxy that terminates TLS. Missing settings stop the start."""

from config import env
from config.settings.base import *  # noqa: F403
from config.settings.base import set_keys
from core import logging as request_logging

globals().update(
    set_keys(
        secret_key=env.text("SECRET_KEY"),
        jwt_key=env.text("JWT_SIGNING_KEY"),
        jwt_previous_keys=env.csv("JWT_PREVIOUS_KEYS"),
    )
)
# Read once, only to stop the start: base.py has defaults for development.
for _required in ("DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "SITE_URL", "EMAIL_HOST"):
    env.text(_required)

LOG_JSON = env.boolean("LOG_JSON", True)
LOGGING = request_logging.configure(json=LOG_JSON, level=env.text("LOG_LEVEL", "INFO"))

# Off only for a test of the production image without a certificate.
_https = env.boolean("HTTPS", True)
# Safe, because nginx overwrites the header; a node must not be reachable past it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = _https
# Load balancers and Prometheus ask the node directly, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^health$", r"^metrics$"]
# Two years, as the preload list demands at least one.
SECURE_HSTS_SECONDS = 63_072_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
# Browsers accept the prefix only with Secure, Path=/ and no Domain: no subdomain can set such a cookie.
SESSION_COOKIE_NAME = "__Host-session" if _https else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrf" if _https else "csrftoken"
DEVICE_COOKIE_NAME = "__Host-device" if _https else "device"
MESSAGES_COOKIE_NAME = "__Host-messages" if _https else "messages"
