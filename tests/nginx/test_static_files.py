"""Static files through nginx: precompressed variants, caching, access for a CDN."""

from __future__ import annotations

import gzip

import brotli
import pytest

from tests.nginx.conftest import CSS_CONTENT, HASHED_CSS_NAME

pytestmark = [pytest.mark.nginx, pytest.mark.processes, pytest.mark.django_db]
PATH = f"/static/css/{HASHED_CSS_NAME}"
BROWSER_HEADERS = "gzip, deflate, br, zstd"


def test_gzip_variant_is_served_on_request(nginx_server):
    response = nginx_server.get(PATH, Accept_Encoding="gzip")

    assert (response.status, response.one("Content-Encoding")) == (200, "gzip")
    assert response.body == (nginx_server.folder / f"var{PATH}.gz").read_bytes()
    assert gzip.decompress(response.body) == CSS_CONTENT


@pytest.mark.brotli
def test_brotli_variant_is_served_on_request(nginx_server):
    response = nginx_server.get(PATH, Accept_Encoding=BROWSER_HEADERS)

    assert (response.status, response.one("Content-Encoding")) == (200, "br")
    assert response.body == (nginx_server.folder / f"var{PATH}.br").read_bytes()
    assert brotli.decompress(response.body) == CSS_CONTENT


@pytest.mark.parametrize("accepted", ["", "gzip", BROWSER_HEADERS])
def test_variants_have_type_lifetime_and_vary(accepted, nginx_server):
    response = nginx_server.get(PATH, Accept_Encoding=accepted)

    assert response.one("Content-Type") == "text/css"
    assert response.one("Cache-Control") == "public, max-age=31536000, immutable"
    assert response.all("Vary") == ["Accept-Encoding"]


def test_file_without_variants_is_compressed_on_the_fly(nginx_server):
    response = nginx_server.get("/static/css/base.css", Accept_Encoding="gzip")

    assert gzip.decompress(response.body) == CSS_CONTENT


@pytest.mark.parametrize("path", [PATH, "/static/css/tokens.css"])
def test_static_files_are_open_to_other_origins(path, nginx_server):
    response = nginx_server.get(path)

    assert response.status == 200
    assert response.one("Cross-Origin-Resource-Policy") == "cross-origin"
    assert response.one("Access-Control-Allow-Origin") == "*"


@pytest.mark.parametrize("path", ["/login/", "/api/v1/tasks/", "/metrics", "/nothing"])
def test_other_responses_are_closed_to_other_origins(path, nginx_server):
    response = nginx_server.get(path)

    assert response.one("Cross-Origin-Resource-Policy") == "same-origin"
    assert response.all("Access-Control-Allow-Origin") == []


@pytest.mark.parametrize(("header", "status"), [("Range", 416), ("If-Match", 412)])
def test_errors_for_files_are_our_own_pages(header, status, nginx_server):
    value = "bytes=999999-" if header == "Range" else '"another"'

    response = nginx_server.send("GET", PATH, None, **{header.replace("-", "_"): value})

    assert response.status == status
    assert b'lang="en"' in response.body
    assert b"nginx" not in response.body
