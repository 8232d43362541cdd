"""Static files and templates: pinned versions, used icons, no inline code."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "static"
TEMPLATES = [path for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html") if "emails" not in path.parts]
CODE = [
    Path(settings.BASE_DIR) / name
    for name in ("analytics/overview/pages.py", "tasks/items/activity.py", "tasks/templatetags/tasks.py")
]
PINNED_VERSIONS = {
    "vendor/uplot/uplot-1.6.32.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "vendor/htmx/htmx-4.0.1.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "vendor/sortable/sortable-1.15.7.min.js": "bf4241bc73fef7f11c59a283a69fe8051cdd31c6d8ff5a2b9ba219e7831fcf76",
}
INLINE_CODE = re.compile(
    r"<style|<script(?![^>]*\bsrc=)|\sstyle\s*=|\son[a-z]+\s*=|hx-on|javascript:|hx-vals=['\"]js:", re.IGNORECASE
)


@pytest.mark.parametrize("name", PINNED_VERSIONS)
def test_vendored_files_match_their_hashes(name):
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == PINNED_VERSIONS[name]
    assert (STATIC / name).with_name("LICENSE").exists()


def test_vendored_scripts_are_all_pinned():
    assert {path.relative_to(STATIC).as_posix() for path in (STATIC / "vendor").rglob("*.js")} == set(PINNED_VERSIONS)


def test_templates_hold_no_inline_code(subtests):
    for path in TEMPLATES:
        with subtests.test(path.name):
            assert INLINE_CODE.findall(path.read_text()) == []


def test_icon_sprite_holds_used_icons_only():
    in_sprite = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "img/icons.svg").read_text()))
    in_templates = set(re.findall(r"""(?:icon|glyph=)\s*["']([\w-]+)""", read_all(TEMPLATES)))
    in_code = set(re.findall(r'"([a-z][a-z-]+)"', read_all(CODE)))

    assert in_templates <= in_sprite
    assert in_sprite <= in_templates | in_code


def read_all(paths):
    return "\n".join(path.read_text() for path in paths)
