"""Proving once more who one is, for what outlives a session: see accounts.proofs."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import guard, services
from accounts.proofs import DOOR, NEEDS_PROOF
from gateway.fields import Input, Text
from gateway.views import ApiView, parse


class ProofInput(Input):
    password = Text(
        max_length=200, required=False, trim_whitespace=False, write_only=True, help_text="Of who has no second factor."
    )
    code = Text(
        max_length=20,
        required=False,
        write_only=True,
        help_text="Of the authenticator app, or one of the recovery codes.",
    )


class ProofOut(serializers.Serializer[Any]):
    good_until = serializers.DateTimeField(help_text="Until then this session, on every node, is asked for no proof.")


class ProofView(ApiView):
    takes_a_password = True

    @extend_schema(operation_id="prove", request=ProofInput, responses=ProofOut)
    def post(self, request: Request) -> Response:
        """Send one of the two: a code where there is a second factor, the password otherwise. A new token is no proof."""
        sent: dict[str, str] = parse(ProofInput, request)
        with guard.proving(request._request, request.user, by_code="code" in sent):
            good_until = services.prove(session_id=request.auth.pk, sent=sent, now=timezone.now())
        return Response(ProofOut({"good_until": good_until}).data)


def document_proofs(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook: say of each operation that asks for a fresh proof that it does."""
    words = f"You may not do this; or `proof_required`: who you are was not proved lately, prove it at `{DOOR}`."
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if f"{method.upper()} {path.removeprefix('/api/v1/')}" in _templates():
                operation["responses"]["403"]["description"] = words
    return result


def _templates() -> set[str]:
    """The same names as the OpenAPI document writes them."""
    return {name.replace("<uuid:", "{").replace(">", "}") for name in NEEDS_PROOF}
