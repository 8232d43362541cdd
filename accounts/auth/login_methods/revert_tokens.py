from typing import NamedTuple
from urllib.parse import urlencode

from django.core.signing import BadSignature, Signer
from django.urls import reverse

# PostgreSQL's bigint has 19 digits.
MAX_DIGITS = 19


class RevertToken(NamedTuple):
    """The object that a revert link removes: its `kind` and id, signed for one user and address."""

    kind: str
    object_id: int

    def path(self, *, user_id: object, email: str) -> str:
        token = _signer(user_id, email).sign(f"{self.kind}.{self.object_id}")
        return f"{reverse('revert-login-method')}?{urlencode({'token': token})}"

    def is_signed(self, token: str, *, user_id: object, email: str) -> bool:
        """Whether we sent this token to this user at this address."""
        try:
            return _signer(user_id, email).unsign(token) == f"{self.kind}.{self.object_id}"
        except BadSignature:
            return False


def parse_revert_token(token: str) -> RevertToken | None:
    """Return what a token names. Its signature is not verified yet."""
    kind, _, number = token.partition(":")[0].partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < MAX_DIGITS):
        return None
    return RevertToken(kind, int(number))


def _signer(user_id: object, email: str) -> Signer:
    """Return a signer whose signatures end with the user's address: an old mailbox must not undo anything."""
    return Signer(salt=f"accounts.revert_login_method {user_id} {email}")
