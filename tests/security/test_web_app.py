"""Manifest, service worker and offline page: public, the same for everybody, and without personal data."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from core.testing.page_client import logged_in_client

STATIC = Path(settings.BASE_DIR) / "static"
PATHS = ("/manifest.webmanifest", "/sw.js", "/offline/")
pytestmark = pytest.mark.django_db


def test_web_app_files_hold_nothing_of_the_user(client, alice):
    page = logged_in_client(alice)

    for path in PATHS:
        anonymous, own = client.get(path), page.get(path)
        assert anonymous.content == own.content
        assert own["Cache-Control"] == "no-cache"
        assert "Set-Cookie" not in anonymous.headers
        assert not anonymous.cookies


def test_manifest_names_existing_icons_and_pages(client, alice):
    manifest = json.loads(client.get("/manifest.webmanifest").content)
    page = logged_in_client(alice)

    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        name = re.sub(r"\.[0-9a-f]{12}(?=\.png)", "", icon["src"].rpartition("/")[2])
        with Image.open(STATIC / "img" / name) as image:
            assert "{}x{}".format(*image.size) == icon["sizes"]
    assert [item["name"] for item in manifest["shortcuts"]] == ["New task", "My tasks", "Inbox"]
    for url in (manifest["start_url"], *(item["url"] for item in manifest["shortcuts"])):
        assert page.get(url).status_code == 200, url


def test_service_worker_keeps_static_files_only(client, settings):
    script = client.get("/sw.js").content.decode()

    files = json.loads(re.search(r"FILES = (\[.*\]);", script)[1])
    assert len(files) > 5
    assert all(path.startswith("/static/") for path in files)
    assert 'OFFLINE = "/offline/"' in script
    settings.SERVICE_WORKER = False
    removal = client.get("/sw.js").content.decode()
    assert "unregister" in removal
    assert "fetch" not in removal
