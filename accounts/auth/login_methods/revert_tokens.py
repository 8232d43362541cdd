from typing import NamedTuple
from urllib.parse import urlencode

from django.core.signing import BadSignature, Signer
from django.urls import reverse

# PostgreSQL's bigint has 19 digits.
MAX_DIGITS = 19


class RevertToken(NamedTuple):
    """Names what a link undoes: something of this `kind` that one person has, and was told of at one address."""

    kind: str
    object_id: int

    def path(self, *, user_id: object, email: str) -> str:
        token = _signer(user_id, email).sign(f"{self.kind}.{self.object_id}")
        return f"{reverse('revert-login-method')}?{urlencode({'token': token})}"

    def is_signed(self, token: str, *, user_id: object, email: str) -> bool:
        """Whether we mailed this token to this person at this address."""
        try:
            return _signer(user_id, email).unsign(token) == f"{self.kind}.{self.object_id}"
        except BadSignature:
            return False


def parse_revert_token(token: str) -> RevertToken | None:
    """What a token says of itself; whether it says so rightly, only the signature tells."""
    kind, _, number = token.partition(":")[0].partition(".")
    return (
        RevertToken(kind, int(number)) if number.isascii() and number.isdigit() and len(number) < MAX_DIGITS else None
    )


def _signer(user_id: object, email: str) -> Signer:
    """Whoever has the address no longer undoes nothing with what was mailed to it."""
    return Signer(salt=f"accounts.revert_login_method {user_id} {email}")
