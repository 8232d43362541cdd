"""DRF authentication with API keys, and how the OpenAPI document describes it."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.utils.translation import gettext
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.api_keys.lookup import get_active_key, record_use, should_record_use
from accounts.api_keys.scopes import require_projects, require_scope
from accounts.auth.mfa.enforcement import mfa_setup_required_error
from accounts.models import ApiKey, User
from core.api.routes import get_route_table
from core.cache import GLOBAL_GENERATION_KEY
from core.clock import current_time
from core.errors import NotAllowed, NotAuthenticated
from core.http.client_ip import client_ip
from core.security import api_keys
from core.security.api_keys import SCHEME
from core.security.claims import ip_in_networks


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`; checks the key's networks, scopes and projects as well."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != SCHEME:
            return None
        key, presented = None, api_keys.parse(parts[1]) if len(parts) == 2 else None
        if presented is not None:
            key = get_active_key(presented, current_time(), as_of=request.META.get(GLOBAL_GENERATION_KEY, ""))
        if key is None:
            # One answer for unknown, ended and mistyped keys: it must not tell which of them exist.
            raise NotAuthenticated(gettext("The key is not valid."), code="key_not_valid")
        address = client_ip(request._request)
        networks = tuple(ipaddress.ip_network(network) for network in key.allowed_networks)
        if networks and not ip_in_networks(address, networks):
            raise NotAllowed(gettext("This key cannot be used from your IP address."), code="key_not_for_this_address")
        # The request log names the owner even if the request is refused below.
        request._request.user_for_log = key.owner
        if key.mfa_setup_required:
            raise mfa_setup_required_error()
        # Checked here rather than in the views, so that no view can forget it.
        require_scope(key, request)
        require_projects(key, request)
        if should_record_use(str(key.pk)):
            record_use(str(key.pk), address)
        return key.owner, key


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """The security scheme `apiKey` of the OpenAPI document."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = (
            "`Api-Key tf_live_...`. Each operation names the scope it needs; without one, it is closed to API keys."
        )
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": description}


def document_scopes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to each operation the scope that API keys need (drf-spectacular postprocessing hook)."""
    routes = get_route_table().by_template
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            scope = routes[path].endpoint.scope_for(method.upper())
            schemes = operation.get("security", [])
            others = [scheme for scheme in schemes if "apiKey" not in scheme]
            if len(others) < len(schemes):
                operation["security"] = [*others, *([{"apiKey": [scope]}] if scope else [])]
    return result
