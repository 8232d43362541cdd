"""What django-allauth asks us: adapters and forms that answer with our own services, settings and limits."""
