"""What gunicorn serves: the gateway, with Django behind it."""

from config.wsgi import application as django  # sets Django up, so it comes first

from accounts import keys  # isort: skip
from accounts.cache import remember_liveness, session_key  # isort: skip
from accounts.tokens import access_for  # isort: skip
from gateway.application import Gateway  # isort: skip
from gateway.keyring import KeySource  # isort: skip
from gateway.sessions import Sessions  # isort: skip

application = Gateway(
    django,
    Sessions(key=session_key, look_up=remember_liveness, token=access_for),
    KeySource(look_up=keys.claims_of, is_due=keys.is_due, note_use=keys.note_use),
)
