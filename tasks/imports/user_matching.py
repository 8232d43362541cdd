"""Whom the names in a foreign file mean. A file says "Alex"; here people have an e-mail address, a handle, a name."""

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
    """The members of a project by everything a file may call them; `aliases` lead from a file's name to an e-mail."""

    def __init__(self, members: Iterable[UserLike], aliases: Mapping[str, str]) -> None:
        self.aliases = {name.casefold(): email.casefold() for name, email in aliases.items()}
        self.named: dict[str, set[uuid.UUID]] = defaultdict(set)
        for member in members:
            for name in (member.email, member.handle, member.name, member.name.split(" ")[0]):
                self.named[name.casefold()].add(member.pk)

    def find(self, name: str) -> uuid.UUID | None:
        """Return the one person meant; None when nobody is, or when it could be two."""
        wanted = self.aliases.get(name.casefold(), name.casefold())
        found = self.named.get(wanted, set())
        return next(iter(found)) if len(found) == 1 else None
