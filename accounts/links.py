"""Secrets that travel in a mail: random and kept as a hash only, good once; or signed, and kept nowhere."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple
from urllib.parse import urlencode

from django.core.signing import BadSignature, Signer
from django.urls import reverse

# PostgreSQL's bigint has 19 digits.
LONGEST_NUMBER = 19


class Link(NamedTuple):
    """`secret` goes into the mail, which is kept sealed until it is sent; `hash` goes into the table."""

    secret: str
    hash: str

    def path(self, page: str) -> str:
        """The secret stands in the query, because logs keep paths and no queries."""
        return f"{reverse(page)}?{urlencode({'token': self.secret})}"


def new_link() -> Link:
    secret = secrets.token_urlsafe(32)
    return Link(secret, hash_of(secret))


def hash_of(secret: str) -> str:
    """A plain hash is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Undo(NamedTuple):
    """Names what a link undoes: something of this `kind` that one person has, and was told of at one address."""

    kind: str
    number: int

    def path(self, *, person_id: object, email: str) -> str:
        token = _signer(person_id, email).sign(f"{self.kind}.{self.number}")
        return f"{reverse('undo')}?{urlencode({'token': token})}"

    def is_signed(self, token: str, *, person_id: object, email: str) -> bool:
        """Whether we mailed this token to this person at this address."""
        try:
            return _signer(person_id, email).unsign(token) == f"{self.kind}.{self.number}"
        except BadSignature:
            return False


def named_by(token: str) -> Undo | None:
    """What a token says of itself; whether it says so rightly, only the signature tells."""
    kind, _, number = token.partition(":")[0].partition(".")
    return Undo(kind, int(number)) if number.isascii() and number.isdigit() and len(number) < LONGEST_NUMBER else None


def _signer(person_id: object, email: str) -> Signer:
    """Whoever has the address no longer undoes nothing with what was mailed to it."""
    return Signer(salt=f"accounts.undo {person_id} {email}")
