from __future__ import annotations

from typing import Any

from django import template

from accounts.auth.oidc import providers

register = template.Library()


@register.inclusion_tag("socialaccount/_buttons.html", takes_context=True)
def provider_buttons(context: dict[str, Any], goal: str = "") -> dict[str, Any]:
    """One button for each provider of the settings; nothing where there is none."""
    return {"providers": providers.provider_names(), "next": goal, "csrf_token": context.get("csrf_token")}
