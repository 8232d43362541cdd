from __future__ import annotations

from typing import Any

from django import template

from accounts.auth.oidc.client import provider_names

register = template.Library()


@register.inclusion_tag("socialaccount/_buttons.html", takes_context=True)
def provider_buttons(context: dict[str, Any], next_url: str = "") -> dict[str, Any]:
    """Render a button for each configured OpenID provider."""
    return {"providers": provider_names(), "next": next_url, "csrf_token": context.get("csrf_token")}
