"""ASGI application that gunicorn serves: the gateway in front of Django."""

from config.wsgi import application as django  # sets Django up, so it comes first

from accounts.api_keys import lookup  # isort: skip
from accounts.auth.sessions.cache import load_status

from accounts.auth.sessions.cache import session_key  # isort: skip
from gateway.application import Gateway  # isort: skip
from gateway.api_key_cache import ApiKeyBackend  # isort: skip
from gateway.session_backend import SessionBackend  # isort: skip


# Here the gateway gets to know the application; it imports no app itself.
application = Gateway(
    django,
    SessionBackend(key=session_key, look_up=load_status),
    ApiKeyBackend(look_up=lookup.get_claims, should_record_use=lookup.should_record_use, record_use=lookup.record_use),
)
