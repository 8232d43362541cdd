"""Keys of fields and slugs of options, made of their names."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.text import slugify


def free_slug(name: str, taken: Iterable[str], fallback: str) -> str:
    """Return a slug for a name that is not taken yet: `Cost centre` becomes `cost_centre`, or `cost_centre_2`."""
    used = set(taken)
    # Of a name in a script that slugify drops, nothing is left.
    base = slugify(name).replace("-", "_").strip("_")[:35]
    if not base or not base[0].isalpha():
        base = f"{fallback}_{base}".strip("_")[:35]
    # One more than are taken: one of them is free.
    candidates = [base, *(f"{base}_{number}" for number in range(2, len(used) + 2))]
    return next(slug for slug in candidates if slug not in used)
