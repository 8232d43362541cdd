"""Matching of the names in an imported file with the members of a project."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol


class UserLike(Protocol):
    @property
    def pk(self) -> uuid.UUID: ...
    @property
    def email(self) -> str: ...
    @property
    def handle(self) -> str: ...
    @property
    def name(self) -> str: ...


class UserMatcher:
    """Finds members by email address, handle, name or first name; `aliases` map a file's name to an address."""

    def __init__(self, members: Iterable[UserLike], aliases: Mapping[str, str]) -> None:
        self.aliases = {name.casefold(): email.casefold() for name, email in aliases.items()}
        self.named: dict[str, set[uuid.UUID]] = defaultdict(set)
        for member in members:
            for name in (member.email, member.handle, member.name, member.name.split(" ")[0]):
                self.named[name.casefold()].add(member.pk)

    def find(self, name: str) -> uuid.UUID | None:
        """Return the id of the member that a name means; None for no member or more than one."""
        key = self.aliases.get(name.casefold(), name.casefold())
        user_ids = self.named.get(key, set())
        # Two members of one name: to assign the wrong one is worse than to assign none.
        return next(iter(user_ids)) if len(user_ids) == 1 else None
