"""Template tags that are available in every template, without `{% load %}`."""

from __future__ import annotations

import uuid

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.form_idempotency import FIELD

register = template.Library()


@register.simple_tag
def idempotency_key() -> SafeString:
    """Render the key that makes a form sent twice one write; every POST form has one beside its CSRF token."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, uuid.uuid4())
