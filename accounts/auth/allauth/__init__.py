"""Adapters and forms that connect django-allauth to our own services, settings and limits."""
