"""Registering, signing in and out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api.serializers import LoginInput, MeOut, RefreshInput, RegisterInput, TokensOut
from accounts.models import Session, User
from accounts.tokens import Pair
from gateway.headers import client_address
from gateway.limits import spend
from gateway.views import ApiView, parse, user_agent


class Open(ApiView):
    """A door for those who have no token yet; an expired one in the header does no harm."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []


class RegisterView(Open):
    @extend_schema(operation_id="register", request=RegisterInput, responses={201: TokensOut})
    def post(self, request: Request) -> Response:
        spend(request._request, group="register", key=client_address(request._request), rate=settings.REGISTER_RATE)
        person = services.register(**parse(RegisterInput, request))
        return _signed_in(request, person, status=201)


class LoginView(Open):
    @extend_schema(operation_id="login", request=LoginInput, responses=TokensOut)
    def post(self, request: Request) -> Response:
        sent = parse(LoginInput, request)
        address = client_address(request._request)
        spend(request._request, group="login-address", key=address, rate=settings.LOGIN_RATE_PER_ADDRESS)
        spend(request._request, group="login-account", key=sent["email"].lower(), rate=settings.LOGIN_RATE_PER_ACCOUNT)
        return _signed_in(request, services.authenticate(**sent, request=request._request))


class RefreshView(Open):
    @extend_schema(operation_id="refresh", request=RefreshInput, responses=TokensOut)
    def post(self, request: Request) -> Response:
        pair, person = services.refresh_session(token=parse(RefreshInput, request)["refresh"], now=timezone.now())
        return _answer(pair, person)


class LogoutView(ApiView):
    @extend_schema(operation_id="logout", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        session: Session = request.auth
        services.revoke_session(actor=session.user, session_id=session.pk, now=timezone.now(), reason="signed out")
        return Response(status=204)


class LogoutAllView(ApiView):
    @extend_schema(operation_id="logout_all", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        services.revoke_all_sessions(actor=request.user, now=timezone.now())
        return Response(status=204)


def _signed_in(request: Request, person: User, *, status: int = 200) -> Response:
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
