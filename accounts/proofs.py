"""What outlives the session it was done in, and so asks who does it for a fresh proof, at both doors alike.

Who has stolen a session has it until it ends; none of these things ends with it. Not here: what only takes power away,
and what others see at once and can take back where they see it, like invitations and roles in a project.
"""

from __future__ import annotations

from functools import lru_cache

from accounts.scopes import door_of
from core.errors import NotAllowed

DOOR = "/api/v1/auth/proof/"
# An operation of the API, and the page that does the same; tests/test_proofs.py asks both.
NEEDS_PROOF: dict[str, str] = {
    "POST api-keys/": "settings-keys",
    "POST api-keys/<uuid:key_id>/rotate/": "key-rotate",
    "POST service-accounts/<uuid:account_id>/keys/": "service-account",
    "PATCH service-accounts/<uuid:account_id>/": "service-account-switch",
    "PATCH directory/<uuid:user_id>/": "person",
    "POST me/exports/": "export-request",
    "GET me/exports/<uuid:export_id>/archive/": "export-download",
    "POST me/departure/": "leave",
}
# These ask for the password themselves; who has none proves it before.
ASK_FOR_THE_PASSWORD = frozenset({"POST me/departure/"})


class ProofRequired(NotAllowed):
    """The session is good, but its person has not proved for a while that it is they."""

    code = "proof_required"
    title = "Prove once more that it is you"


@lru_cache(maxsize=1024)
def operation_of(method: str, route: str) -> str:
    """Return an operation's name here; empty for one that asks for no proof."""
    name = f"{'GET' if method == 'HEAD' else method} {door_of(route)}"
    return name if name in NEEDS_PROOF else ""
