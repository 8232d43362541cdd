"""`python -m drills NAME`: exits 0 when the guarantee held, 1 when it did not."""

from __future__ import annotations

import sys

import django

DRILLS = ("mail",)


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name not in DRILLS:
        print(f"There is no drill {name!r}. There are: {', '.join(DRILLS)}.", file=sys.stderr)
        return 2
    django.setup()
    from drills import mail

    return {"mail": mail.run}[name]()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
