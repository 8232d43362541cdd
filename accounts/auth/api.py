"""The endpoints to register, sign in, refresh tokens and sign out. accounts.auth.login decides what a sign-in takes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth import login
from accounts.auth.mfa.services import IssuedChallenge
from accounts.auth.serializers import EmailSentOut, LoginInput, MfaInput, MfaRequiredOut, RefreshInput, RegisterInput
from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.services import TokenPair
from accounts.models import Session, User
from accounts.users.serializers import MeOut, TokensOut, pop_locale
from core.api.generics import ApiView
from core.api.parsers import parse_body
from core.api.problems import MEDIA_TYPE, problem_document
from core.db import database_now
from core.http.client_ip import client_ip
from core.serialization import dumps


class PublicApiView(ApiView):
    """An endpoint for callers without a token. An expired one in the header does no harm."""

    api_key_scope = None
    brute_force_limit = {"POST"}
    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []


class RegisterView(PublicApiView):
    pad_response_time = {"POST"}
    hashes_password = {"POST"}

    @extend_schema(operation_id="register", request=RegisterInput, responses={201: TokensOut, 202: EmailSentOut})
    def post(self, request: Request) -> Any:
        """Register a user. With REQUIRE_VERIFIED_EMAIL an email follows instead of tokens: 202.

        The response is the same for a taken address then, so that it does not tell who has an account.
        """
        params = parse_body(RegisterInput, request)
        user = login.register(request._request, locale=pop_locale(params, request._request), **params)
        if user is not None and not settings.REQUIRE_VERIFIED_EMAIL:
            return login_response(request, user, login.continue_api_login(request._request, user), status=201)
        return Response({"detail": "We sent an email to this address."}, status=202)


class LoginView(PublicApiView):
    pad_response_time = {"POST"}
    hashes_password = {"POST"}

    @extend_schema(
        operation_id="login",
        request=LoginInput,
        responses={200: TokensOut, (401, MEDIA_TYPE): MfaRequiredOut},
    )
    def post(self, request: Request) -> Any:
        """Sign in with a password. A user with MFA gets 401 `mfa_required` and a challenge for `/auth/mfa/`."""
        user = login.verify_password(request._request, **parse_body(LoginInput, request))
        return login_response(request, user, login.continue_api_login(request._request, user))


class MfaView(PublicApiView):
    @extend_schema(operation_id="finish_login", request=MfaInput, responses=TokensOut)
    def post(self, request: Request) -> Any:
        """Finish a sign-in with a code of the authenticator app or a recovery code: five attempts, five minutes.

        A user with nothing but a passkey signs in on the page `/login/`.
        """
        params = parse_body(MfaInput, request)
        user = login.verify_challenge(request._request, token=params["challenge"], code=params["code"])
        return login_response(request, user, login.continue_api_login(request._request, user, mfa_verified=True))


class RefreshView(PublicApiView):
    @extend_schema(operation_id="refresh", request=RefreshInput, responses=TokensOut)
    def post(self, request: Request) -> Any:
        """Exchange a refresh token for the next pair. Reuse of a replaced token revokes the session."""
        token, address = parse_body(RefreshInput, request)["refresh"], client_ip(request._request)
        # By the database's clock: between nodes whose clocks differ, the grace of a replaced token would be over too early.
        tokens, user = sessions.refresh_session(token=token, now=database_now(), address=address)
        return login_response(request, user, tokens)


class LogoutView(ApiView):
    api_key_scope = None
    mfa_exempt = {"POST"}

    @extend_schema(operation_id="logout", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        session: Session = request.auth
        now, reason = self.now, sessions.SIGNED_OUT
        sessions.revoke_session(actor=session.user, session_id=session.pk, now=now, reason=reason)
        return Response(status=204)


class LogoutOthersView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="logout_others", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Revoke the caller's other sessions, in browsers and programs."""
        sessions.revoke_other_sessions(actor=request.user, keep=request.auth.pk, now=self.now)
        return Response(status=204)


class LogoutAllView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="logout_all", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Revoke all of the caller's sessions, this one too."""
        sessions.revoke_all_sessions(actor=request.user, now=self.now)
        return Response(status=204)


def login_response(
    request: Request, user: User, result: TokenPair | IssuedChallenge, *, status: int = 200
) -> Response | HttpResponse:
    """Return the tokens of a session, or a 401 with an MFA challenge."""
    if isinstance(result, TokenPair):
        body = {"access": result.access, "refresh": result.refresh, "user": MeOut(user).data}
        return Response(body, status=status, headers={"Cache-Control": "no-store"})
    detail = "The password is right. Finish the sign-in with a code."
    body = problem_document(401, request.path, code="mfa_required", detail=detail) | {
        "challenge": result.token,
        "methods": result.methods,
        "expires_in": result.expires_in,
    }
    headers = {"Cache-Control": "no-store", "WWW-Authenticate": 'Bearer realm="api"'}
    return HttpResponse(dumps(body), status=401, headers=headers, content_type=MEDIA_TYPE)
