from __future__ import annotations

import ipaddress
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.keys import is_due, live_key, note_use
from accounts.models import ApiKey, User
from accounts.policies import factor_owed
from accounts.scopes import require_projects, require_scope, scope_of
from core.cache import AS_OF
from core.errors import NotAllowed, NotSignedIn
from gateway import api_keys
from gateway.api_keys import SCHEME
from gateway.keyring import is_inside


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`. What the key may not do is refused here, where no door can forget to ask."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != SCHEME:
            return None
        offered = api_keys.read(parts[1]) if len(parts) == 2 else None
        key = live_key(offered, timezone.now(), as_of=request.META.get(AS_OF, "")) if offered else None
        if key is None:
            raise NotSignedIn("The key is not valid.", code="key_not_valid")
        from gateway.headers import client_address  # late: DRF reads this module while it starts

        address = client_address(request._request)
        _require_address(key, address)
        request._request.user_for_log = key.owner
        if key.owes_factor:
            raise factor_owed()
        require_scope(key, request._request)
        require_projects(key, request._request, lambda: request.data)
        if is_due(str(key.pk)):
            note_use(str(key.pk), address)
        return key.owner, key


def _require_address(key: ApiKey, address: str) -> None:
    if key.addresses and not is_inside(address, tuple(ipaddress.ip_network(one) for one in key.addresses)):
        raise NotAllowed("This key may not be used from your address.", code="key_not_for_this_address")


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        words = "`Api-Key tf_live_...`. The scope that an operation needs stands with it; without one, it is closed to keys."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": words}


def document_scopes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook: say of each operation which scope a key needs for it, or that none will do."""
    for path, operations in result["paths"].items():
        route = path.removeprefix("/").replace("{user_id}", "<uuid:user_id>")
        for method, operation in operations.items():
            scope = scope_of(method.upper(), route)
            kept = [one for one in operation.get("security", []) if "apiKey" not in one]
            if len(kept) < len(operation.get("security", [])):
                operation["security"] = [*kept, *([{"apiKey": [scope]}] if scope else [])]
    return result
