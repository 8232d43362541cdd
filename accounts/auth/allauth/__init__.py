"""Where django-allauth asks us: every answer is one of our own services, settings and limits."""
