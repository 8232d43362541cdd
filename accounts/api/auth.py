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

from accounts import guard, services
from accounts.adapters.doors import REGISTERING, mail_account_exists, mail_verification
from accounts.api.second_factor import MailSentOut, SecondFactorInput, SecondFactorRequired
from accounts.api.serializers import LoginInput, MeOut, RefreshInput, RegisterInput, TokensOut
from accounts.models import Session, User
from accounts.services.second_factor import WRONG_CODE
from accounts.tokens import Pair
from core.errors import Invalid, NotAllowed, NotSignedIn
from gateway.headers import client_address
from gateway.limits import spend
from gateway.problems import MEDIA_TYPE, document
from gateway.renderers import dumps
from gateway.views import ApiView, parse, user_agent


class Open(ApiView):
    """A door for those who have no token yet; an expired one in the header does no harm."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []


class RegisterView(Open):
    @extend_schema(operation_id="register", request=RegisterInput, responses={201: TokensOut, 202: MailSentOut})
    def post(self, request: Request) -> Response:
        """Where an address has to be verified first (REQUIRE_VERIFIED_EMAIL), a mail follows instead of tokens: 202."""
        spend(request._request, group="register", key=client_address(request._request), rate=settings.REGISTER_RATE)
        sent = parse(RegisterInput, request)
        if settings.REQUIRE_VERIFIED_EMAIL:
            return _registered_by_mail(request, sent)
        person = services.register(**sent)
        mail_verification(request._request, person, group=REGISTERING)
        return signed_in(request, person, status=201)


class LoginView(Open):
    @extend_schema(
        operation_id="login",
        request=LoginInput,
        responses={200: TokensOut, (401, MEDIA_TYPE): SecondFactorRequired},
    )
    def post(self, request: Request) -> Any:
        """Whoever has a second factor is told so by 401 `second_factor_required`, with a challenge to answer next."""
        sent = parse(LoginInput, request)
        guard.admit(request._request, sent["email"])
        person = services.authenticate(**sent, request=request._request)
        try:
            services.require_verified(person)
        except NotAllowed:
            mail_verification(request._request, person)
            raise
        challenge = services.open_challenge(person=person, now=timezone.now())
        return _challenged(request, challenge) if challenge else signed_in(request, person)


class SecondFactorView(Open):
    @extend_schema(operation_id="finish_login", request=SecondFactorInput, responses=TokensOut)
    def post(self, request: Request) -> Response:
        """Finish a login by a code of the authenticator app or a recovery code; five tries, five minutes.

        Whoever has a passkey alone finishes theirs on the page `/login/`, or by `/_allauth/app/v1/`.
        """
        sent, now = parse(SecondFactorInput, request), timezone.now()
        person = services.person_challenged(token=sent["challenge"], now=now)
        guard.admit_code(request._request, person)
        try:
            services.finish_challenge(token=sent["challenge"], code=sent["code"], now=now)
        except NotSignedIn as refusal:
            if refusal.code == WRONG_CODE:
                guard.note_wrong_code(request._request, person)
            raise
        guard.note_right_code(request._request, person)
        return signed_in(request, person)


class RefreshView(Open):
    @extend_schema(operation_id="refresh", request=RefreshInput, responses=TokensOut)
    def post(self, request: Request) -> Response:
        token, address = parse(RefreshInput, request)["refresh"], client_address(request._request)
        pair, person = services.refresh_session(token=token, now=timezone.now(), address=address)
        return _answer(pair, person)


class LogoutView(ApiView):
    @extend_schema(operation_id="logout", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        session: Session = request.auth
        now, reason = timezone.now(), services.SIGNED_OUT
        services.revoke_session(actor=session.user, session_id=session.pk, now=now, reason=reason)
        return Response(status=204)


class LogoutOthersView(ApiView):
    @extend_schema(operation_id="logout_others", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End every other session of the caller, in browsers and programs; this one stays."""
        services.end_other_sessions(actor=request.user, keep=request.auth.pk, now=timezone.now())
        return Response(status=204)


class LogoutAllView(ApiView):
    @extend_schema(operation_id="logout_all", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        services.revoke_all_sessions(actor=request.user, now=timezone.now())
        return Response(status=204)


def signed_in(request: Request, person: User, *, status: int = 200) -> Response:
    pair = services.open_session(
        user=person,
        now=timezone.now(),
        user_agent=user_agent(request._request),
        address=client_address(request._request),
    )
    return _answer(pair, person, status=status)


def _answer(pair: Pair, person: User, *, status: int = 200) -> Response:
    body = {"access": pair.access, "refresh": pair.refresh, "user": MeOut(person).data}
    return Response(body, status=status, headers={"Cache-Control": "no-store"})


def _challenged(request: Request, challenge: services.Challenge) -> HttpResponse:
    words = {"code": "second_factor_required", "detail": "The password is right; a second factor is needed."}
    body = document(401, request.path, **words) | {
        "challenge": challenge.token,
        "factors": challenge.factors,
        "expires_in": challenge.seconds,
    }
    headers = {"Cache-Control": "no-store", "WWW-Authenticate": 'Bearer realm="api"'}
    return HttpResponse(dumps(body), status=401, headers=headers, content_type=MEDIA_TYPE)


def _registered_by_mail(request: Request, sent: dict[str, Any]) -> Response:
    """Says the same of an address that is taken: whose it is reads the rest in the mail."""
    try:
        mail_verification(request._request, services.register(**sent), group=REGISTERING)
    except Invalid as refusal:
        if not refusal.names("email", "taken"):
            raise
        mail_account_exists(request._request, sent["email"].lower())
    return Response({"detail": "A mail is on its way to this address."}, status=202)
