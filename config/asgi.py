"""What gunicorn serves: the gateway, with Django behind it."""

from config.wsgi import application as django
from gateway.application import Gateway

application = Gateway(django)
