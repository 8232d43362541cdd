"""Registering, signing in and out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth import throttling
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.mfa import services as mfa
from accounts.auth.mfa.services import WRONG_CODE
from accounts.auth.rate_limits import REGISTRATION_EMAIL_GROUP, send_account_exists_email, send_verification_email
from accounts.auth.serializers import EmailSentOut, LoginInput, MfaInput, MfaRequiredOut, RefreshInput, RegisterInput
from accounts.auth.sessions import services as sessions
from accounts.auth.tokens import TokenPair
from accounts.models import Session, User
from accounts.users import services as users
from accounts.users.serializers import MeOut, TokensOut
from core.api.generics import parse_body
from core.api.problems import MEDIA_TYPE, problem_document
from core.api.views import ApiView
from core.errors import Invalid, NotAllowed, NotAuthenticated
from core.http.client_ip import client_ip, user_agent
from core.rate_limits import consume
from core.serialization import dumps


class PublicApiView(ApiView):
    """A door for those who have no token yet; an expired one in the header does no harm."""

    api_key_scope = None
    brute_force_limit = {"POST"}
    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []


class RegisterView(PublicApiView):
    pad_response_time = {"POST"}

    @extend_schema(operation_id="register", request=RegisterInput, responses={201: TokensOut, 202: EmailSentOut})
    def post(self, request: Request) -> Response:
        """Where an address has to be verified first (REQUIRE_VERIFIED_EMAIL), a mail follows instead of tokens: 202."""
        consume(request._request, group="register", key=client_ip(request._request), rate=settings.REGISTER_RATE)
        sent = parse_body(RegisterInput, request)
        if settings.REQUIRE_VERIFIED_EMAIL:
            return _register_with_email_verification(request, sent)
        user = users.register(**sent)
        send_verification_email(request._request, user, group=REGISTRATION_EMAIL_GROUP)
        return login_response(request, user, status=201)


class LoginView(PublicApiView):
    pad_response_time = {"POST"}

    @extend_schema(
        operation_id="login",
        request=LoginInput,
        responses={200: TokensOut, (401, MEDIA_TYPE): MfaRequiredOut},
    )
    def post(self, request: Request) -> Any:
        """Whoever has a second factor is told so by 401 `mfa_required`, with a challenge to answer next."""
        sent = parse_body(LoginInput, request)
        throttling.check_login(request._request, sent["email"])
        user = users.authenticate(**sent, request=request._request)
        try:
            email_addresses.require_verified_email(user)
        except NotAllowed:
            send_verification_email(request._request, user)
            raise
        challenge = mfa.create_challenge(user=user, now=timezone.now())
        return _challenge_response(request, challenge) if challenge else login_response(request, user)


class MfaView(PublicApiView):
    @extend_schema(operation_id="finish_login", request=MfaInput, responses=TokensOut)
    def post(self, request: Request) -> Response:
        """Finish a login by a code of the authenticator app or a recovery code; five tries, five minutes.

        Whoever has a passkey alone finishes theirs on the page `/login/`, or by `/_allauth/app/v1/`.
        """
        sent, now = parse_body(MfaInput, request), timezone.now()
        user = mfa.challenged_user(token=sent["challenge"], now=now)
        throttling.check_mfa(request._request, user)
        try:
            mfa.complete_challenge(token=sent["challenge"], code=sent["code"], now=now)
        except NotAuthenticated as error:
            if error.code == WRONG_CODE:
                throttling.record_mfa_failure(request._request, user)
            raise
        throttling.reset_mfa_failures(request._request, user)
        return login_response(request, user)


class RefreshView(PublicApiView):
    @extend_schema(operation_id="refresh", request=RefreshInput, responses=TokensOut)
    def post(self, request: Request) -> Response:
        token, address = parse_body(RefreshInput, request)["refresh"], client_ip(request._request)
        pair, user = sessions.refresh_session(token=token, now=timezone.now(), address=address)
        return _token_response(pair, user)


class LogoutView(ApiView):
    api_key_scope = None
    mfa_exempt = {"POST"}

    @extend_schema(operation_id="logout", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        session: Session = request.auth
        now, reason = timezone.now(), sessions.SIGNED_OUT
        sessions.revoke_session(actor=session.user, session_id=session.pk, now=now, reason=reason)
        return Response(status=204)


class LogoutOthersView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="logout_others", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End every other session of the caller, in browsers and programs; this one stays."""
        sessions.revoke_other_sessions(actor=request.user, keep=request.auth.pk, now=timezone.now())
        return Response(status=204)


class LogoutAllView(ApiView):
    api_key_scope = None

    @extend_schema(operation_id="logout_all", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        sessions.revoke_all_sessions(actor=request.user, now=timezone.now())
        return Response(status=204)


def login_response(request: Request, user: User, *, status: int = 200) -> Response:
    pair = sessions.open_session(
        user=user,
        now=timezone.now(),
        user_agent=user_agent(request._request),
        address=client_ip(request._request),
    )
    return _token_response(pair, user, status=status)


def _token_response(pair: TokenPair, user: User, *, status: int = 200) -> Response:
    body = {"access": pair.access, "refresh": pair.refresh, "user": MeOut(user).data}
    return Response(body, status=status, headers={"Cache-Control": "no-store"})


def _challenge_response(request: Request, challenge: mfa.IssuedChallenge) -> HttpResponse:
    words = {"code": "mfa_required", "detail": "The password is right; a second factor is needed."}
    body = problem_document(401, request.path, **words) | {
        "challenge": challenge.token,
        "methods": challenge.methods,
        "expires_in": challenge.expires_in,
    }
    headers = {"Cache-Control": "no-store", "WWW-Authenticate": 'Bearer realm="api"'}
    return HttpResponse(dumps(body), status=401, headers=headers, content_type=MEDIA_TYPE)


def _register_with_email_verification(request: Request, sent: dict[str, Any]) -> Response:
    """Says the same of an address that is taken: whose it is reads the rest in the mail."""
    try:
        send_verification_email(request._request, users.register(**sent), group=REGISTRATION_EMAIL_GROUP)
    except Invalid as error:
        if not error.has_error("email", "taken"):
            raise
        send_account_exists_email(request._request, sent["email"].lower())
    return Response({"detail": "A mail is on its way to this address."}, status=202)
