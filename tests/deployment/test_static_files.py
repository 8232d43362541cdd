"""Static files in production: hashed names, precompressed variants, a CDN."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import brotli
import pytest

from config import static_files

ROOT = Path(__file__).resolve().parents[2]
CDN_URL = "https://cdn.example.com"
PRINT_URL = """
import django, json, sys
django.setup()
from django.test import Client
pages = {path: Client().get(path, headers={"host": "localhost"}) for path in ("/login/", "/api/v1/docs/")}
print(json.dumps({path: [page["Content-Security-Policy"], page.content.decode()] for path, page in pages.items()}))
"""


@pytest.mark.parametrize(
    ("url", "origins"),
    [("/static/", []), (f"{CDN_URL}/static/", [CDN_URL]), ("//cdn.example.com/static/", [CDN_URL])],
)
def test_cdn_origin_is_derived_from_static_url(url, origins):
    assert static_files.cdn_origins(url) == origins


def run_python(*arguments: str, folder: Path, **environment: str) -> str:
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DATA_DIR": str(folder),
        **environment,
    }
    process = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("var")
    ignored = [part for name in ("admin", "drf_spectacular_sidecar", "django_htmx") for part in ("-i", name)]
    run_python("manage.py", "collectstatic", "--noinput", "-v0", *ignored, folder=folder, COMPRESS_STATIC="true")
    return folder / "static"


@pytest.mark.processes
def test_collected_files_have_hashed_names_and_variants(collected):
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]
    path = collected / names["css/base.css"]

    assert len(path.stem.split(".")[-1]) == 12
    assert gzip.decompress(Path(f"{path}.gz").read_bytes()) == path.read_bytes()
    assert brotli.decompress(Path(f"{path}.br").read_bytes()) == path.read_bytes()
    assert not (collected / "rest_framework").exists()


@pytest.mark.processes
def test_pages_and_their_csp_use_the_cdn(collected):
    sidecar = "drf_spectacular_sidecar/swagger-ui-dist"
    manifest = json.loads((collected / "staticfiles.json").read_text())
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "favicon-32x32.png"):
        manifest["paths"][f"{sidecar}/{name}"] = f"{sidecar}/{name}"
    (collected / "staticfiles.json").write_text(json.dumps(manifest))

    pages = json.loads(run_python("-c", PRINT_URL, folder=collected.parent, STATIC_URL=f"{CDN_URL}/static/"))

    for policy, page in pages.values():
        directives = dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())
        for name in ("script-src", "style-src", "img-src", "font-src"):
            assert CDN_URL in directives[name].split()
        assert directives["connect-src"] == "'self'"
        assert f'="{CDN_URL}/static/' in page
        assert '="/static/css' not in page
    # Browsers do not load parts of SVG files from another origin.
    assert f'<use href="{CDN_URL}' not in pages["/login/"][1]
