"""Tokens of links: the id of the row and a code that only this site can compute (HMAC-SHA-256, RFC 2104)."""

from __future__ import annotations

import base64
import binascii
import uuid

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from tasks.models import LinkShare

CODE_BYTES = 16


def make_token(link_id: uuid.UUID) -> str:
    """Return the token of a link: 43 characters that fit in a URL."""
    return base64.urlsafe_b64encode(link_id.bytes + _code(link_id)).rstrip(b"=").decode()


def parse_token(token: str) -> uuid.UUID | None:
    """Return the id of the link with this token; None for any other text."""
    if len(token) != 43 or not token.isascii():
        return None
    try:
        data = base64.urlsafe_b64decode(f"{token}=")
        link_id = uuid.UUID(bytes=data[:16])
    except (binascii.Error, ValueError):
        return None
    return link_id if constant_time_compare(token, make_token(link_id)) else None


def link_url(link: LinkShare) -> str:
    """Return the address of the page that the link opens."""
    return f"{settings.SITE_URL}{reverse('shared-task')}?link={make_token(link.pk)}"


def _code(link_id: uuid.UUID) -> bytes:
    return salted_hmac("tasks.link_shares", link_id.bytes, algorithm="sha256").digest()[:CODE_BYTES]
