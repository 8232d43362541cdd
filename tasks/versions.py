from typing import Any

from core.errors import VersionConflict
from tasks.events import to_json


def check_version(thing: Any, versions: frozenset[int] | None, wanted: dict[str, Any]) -> None:
    """Refuse a write that rests on another version than the locked row's; `wanted` is for the caller's comparison."""
    if versions is not None and thing.version not in versions:
        current = {name: _comparable(getattr(thing, name, None)) for name in wanted}
        raise VersionConflict(
            version=thing.version, current=current, wanted={n: _comparable(v) for n, v in wanted.items()}
        )


def _comparable(value: Any) -> Any:
    """A value as JSON has it; the lists of a task are sets, whose order says nothing."""
    return sorted(str(one) for one in value) if isinstance(value, list | tuple | set) else to_json(value)
