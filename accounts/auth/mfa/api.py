"""The endpoints to see, set up and remove one's own MFA methods. Passkeys are added on the settings page only."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth import login
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.mfa import enrollment
from accounts.auth.mfa.enforcement import mfa_setup_required
from accounts.auth.serializers import MfaOut, RecoveryCodesOut, TotpActivationInput, TotpSetupOut
from core.api import query_params
from core.api.generics import ApiView
from core.api.parsers import parse_body
from core.http.client_ip import client_ip


class MfaView(ApiView):
    api_key_scope = None
    mfa_exempt = True

    @extend_schema(operation_id="get_mfa", responses=MfaOut)
    def get(self, request: Request) -> Response:
        """Return the caller's MFA methods, their passkeys and how many recovery codes are left."""
        query_params.parse_query(query_params.QuerySerializer, request.query_params)
        methods = login_methods_selectors.get_mfa_methods(request.user)
        passkeys = [
            {
                "id": passkey.pk,
                "name": passkey.wrap().name,
                "created_at": passkey.created_at,
                "last_used_at": passkey.last_used_at,
            }
            for passkey in methods.passkeys
        ]
        body = {
            "enabled": bool(methods.totp or passkeys),
            "required": mfa_setup_required(kind=request.user.kind, role=request.user.role, has_mfa=False),
            "methods": login.mfa_methods(request.user),
            "passkeys": passkeys,
            "unused_recovery_codes": methods.unused_recovery_codes,
        }
        return Response(MfaOut(body).data)


class TotpView(ApiView):
    api_key_scope = None
    mfa_exempt = True
    requires_recent_login = {"POST", "DELETE"}
    idempotent = False

    @extend_schema(operation_id="begin_totp", request=None, responses=TotpSetupOut)
    def post(self, request: Request) -> Response:
        """Create the secret of an authenticator app. Nothing changes before its first code is confirmed."""
        setup = enrollment.begin_totp(user=request.user, now=self.now)
        body = {"secret": setup.secret, "uri": setup.uri, "setup_token": setup.token}
        return Response(TotpSetupOut(body).data, headers={"Cache-Control": "no-store"})

    @extend_schema(operation_id="deactivate_totp", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Remove the authenticator app. Removing the last method removes the recovery codes too."""
        enrollment.deactivate_totp(user=request.user, now=self.now, address=client_ip(request._request))
        return Response(status=204)


class TotpConfirmationView(ApiView):
    api_key_scope = None
    mfa_exempt = True
    requires_recent_login = {"POST"}
    idempotent = False

    @extend_schema(operation_id="confirm_totp", request=TotpActivationInput, responses=RecoveryCodesOut)
    def post(self, request: Request) -> Response:
        """Add the authenticator app whose first code is right.

        A first method also creates recovery codes, and revokes the caller's other sessions.
        """
        params = parse_body(TotpActivationInput, request)
        enrollment.activate_totp(
            user=request.user,
            token=params["setup_token"],
            code=params["code"],
            now=self.now,
            keep=request.auth.pk,
            address=client_ip(request._request),
        )
        return _recovery_codes_response(request)


class RecoveryCodesView(ApiView):
    api_key_scope = None
    mfa_exempt = True
    requires_recent_login = {"POST"}
    idempotent = False

    @extend_schema(operation_id="generate_recovery_codes", request=None, responses=RecoveryCodesOut)
    def post(self, request: Request) -> Response:
        """Replace the recovery codes by new ones."""
        enrollment.generate_recovery_codes(user=request.user, now=self.now, address=client_ip(request._request))
        return _recovery_codes_response(request)


class PasskeyView(ApiView):
    api_key_scope = None
    requires_recent_login = {"DELETE"}

    @extend_schema(operation_id="remove_passkey", responses={204: None})
    def delete(self, request: Request, passkey_id: int) -> Response:
        """Remove a passkey. The last method takes the recovery codes along."""
        address = client_ip(request._request)
        enrollment.remove_passkey(user=request.user, passkey_id=passkey_id, now=self.now, address=address)
        return Response(status=204)


def _recovery_codes_response(request: Request) -> Response:
    codes = enrollment.show_recovery_codes_once(user=request.user)
    return Response({"recovery_codes": codes or []}, headers={"Cache-Control": "no-store"})
