"""Hostile files: each is refused with a reason, or kept as a download that nothing runs."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib

import pytest

from accounts.tests.images import bomb, photo
from core.testing.database_state import table_digests
from tasks.models import Attachment
from tasks.tests.attachments import PIXEL, upload

URL = "/api/v1/tasks/OPS-1/attachments/"
SCRIPT = b"<script>document.title='owned';fetch('/api/v1/me/')</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + SCRIPT + b"</svg>"
HTML = b"<!doctype html><body onload=alert(1)>" + SCRIPT
INERT = object()


def zip_of(*entries, compress=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compress) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def symlink_zip():
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    return zip_of((entry, "/etc/passwd"))


def overlapping_zip():
    """Return a few hundred bytes whose directory names 60 GB, as in Fifield's bomb."""
    data = bytearray(zip_of(*((f"{number}", b"") for number in range(15))))
    start = 0
    while (start := data.find(b"PK\x01\x02", start)) >= 0:
        data[start + 24 : start + 28] = struct.pack("<L", 0xF0000000)
        start += 4
    return bytes(data)


def many_entries_zip():
    data = bytearray(zip_of(("a", b"")))
    end = data.rfind(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<2H", 60_000, 60_000)
    return bytes(data)


def gzip_bomb():
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\0" * 1_000_000
    return b"".join(packer.compress(block) for _ in range(64)) + packer.flush()


def tar_with_parent_path():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../etc/cron.d/evil"), io.BytesIO())
    return out.getvalue()


TEXT_CHUNK = b"tEXtComment\0" + HTML
PNG_WITH_HTML = b"".join(
    (
        PIXEL[:33],
        struct.pack(">I", len(TEXT_CHUNK) - 4),
        TEXT_CHUNK,
        struct.pack(">I", zlib.crc32(TEXT_CHUNK)),
        PIXEL[33:],
    )
)
GIF = photo(size=(1, 1), form="GIF")
# name, content, then the code of the refusal, or INERT
HOSTILE_FILES = [
    ("script.svg", SVG, INERT),
    ("page.html", HTML, INERT),
    ("page.xhtml", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">' + SCRIPT + b"</html>", INERT),
    ("entities.xml", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', INERT),
    ("calendar.ics", b"BEGIN:VCALENDAR\r\nX-HTML:" + SCRIPT, INERT),
    ("formula.csv", b"=cmd|' /C calc'!A0,1\n", INERT),
    ("polyglot.gif", GIF + b"/*" + SCRIPT + b"*/", INERT),
    ("polyglot.png", PIXEL + HTML, INERT),
    ("comment.png", PNG_WITH_HTML, INERT),
    ("archive.jpg", photo() + zip_of(("evil.js", b"alert(1)")), INERT),
    ("script.pdf", b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj", INERT),
    ("unpack.tar", tar_with_parent_path(), INERT),
    ("html.png", HTML, "type_mismatch"),
    ("svg.jpg", SVG, "type_mismatch"),
    ("program.txt", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff", "type_mismatch"),
    ("elf.csv", b"\x7fELF\x02\x01\x01\0", "type_mismatch"),
    ("archive.docx", zip_of(("evil.vbs", b"x")), "type_mismatch"),
    ("cut.png", PIXEL[:20], "type_mismatch"),
    ("cut.zip", b"PK\x03\x04" + b"\0" * 100, "type_mismatch"),
    ("invoice.pdf.exe", b"MZ\x90\0", "unsupported_type"),
    ("invoice.pdf.js", b"alert(1)", "unsupported_type"),
    ("run.hta", HTML, "unsupported_type"),
    ("link.lnk", b"L\0\0\0", "unsupported_type"),
    ("flood.png", bomb(50_000), "decompression_bomb"),
    ("wide.gif", GIF[:6] + b"\xff\xff\xff\xff" + GIF[10:], "decompression_bomb"),
    ("zeros.zip", zip_of(("zeros", b"\0" * 64_000_000)), "decompression_bomb"),
    ("overlap.zip", overlapping_zip(), "decompression_bomb"),
    ("entries.zip", many_entries_zip(), "decompression_bomb"),
    ("zeros.txt.gz", gzip_bomb(), "decompression_bomb"),
    ("parent.zip", zip_of(("../../.ssh/authorized_keys", b"x")), "unsafe_archive"),
    ("absolute.zip", zip_of(("/etc/passwd", b"x")), "unsafe_archive"),
    ("drive.zip", zip_of(("C:\\Windows\\evil.dll", b"x")), "unsafe_archive"),
    ("symlink.zip", symlink_zip(), "unsafe_archive"),
]
# What the name becomes; the file is text.
HOSTILE_NAMES = [
    ("../../etc/passwd", "passwd"),
    ("..\\..\\windows\\win.txt", "win.txt"),
    ("photo\u202egnp.txt", "photognp.txt"),
    ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie_ x=1.txt"),
    ("tab\there\x00.txt", "tabhere.txt"),
    ("CON", "_CON"),
    ("nul.txt", "_nul.txt"),
    (".htaccess.txt", "_htaccess.txt"),
    ("  spaces   and dots. . ", "spaces and dots"),
    ('quo"te<b>.txt', "quo_te_b_.txt"),
    ("x" * 5000 + ".txt", None),
]

pytestmark = pytest.mark.django_db


def post(client, content, name):
    """Send a form by hand: the test client would clean the name."""
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n--b--\r\n'
    quoted = name.replace("\\", "\\\\").replace('"', "%22").encode()
    return client.generic("POST", URL, body % (quoted, content), content_type="multipart/form-data; boundary=b")


def assert_inert(response):
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    media_type = response["Content-Type"]
    assert not any(word in media_type for word in ("html", "svg", "xml", "javascript")), media_type


def test_hostile_files_are_refused_or_served_inert(clients, task, attachment_dir, subtests):
    client = clients["bob"]
    client.get(URL)
    assert len(HOSTILE_FILES) >= 25
    for name, content, expected in HOSTILE_FILES:
        with subtests.test(name):
            before = table_digests()
            files = sorted(attachment_dir.rglob("*/*/*"))
            response = post(client, content, name)

            if expected is INERT:
                assert response.status_code == 201, response.json()
                download = client.get(f"{response['Location']}content/")
                assert_inert(download)
                assert b"".join(download.streaming_content) == content
            else:
                assert (response.status_code, response.json()["code"]) == (422, expected)
                assert table_digests() == before
                assert sorted(attachment_dir.rglob("*/*/*")) == files


def test_hostile_names_are_cleaned(clients, task, attachment_dir, subtests):
    for name, _ in HOSTILE_NAMES:
        with subtests.test(name[:40]):
            response = clients["bob"].post(URL, {"file": upload(b"text", name)}, format="multipart")
            raw = post(clients["bob"], b"text", name.replace("\r\n", "").replace("\0", ""))

            assert response.status_code == 201, response.json()
            if len(name) > 4000:  # longer than the head of a part may be
                assert raw.status_code == 400
                raw = response
            cleaned = raw.json()["name"]
            assert len(cleaned) <= 200
            assert cleaned.isprintable()
            assert not {"/", "\\"} & set(cleaned)
            download = clients["bob"].get(f"{raw['Location']}content/")
            b"".join(download.streaming_content)
            assert "\n" not in download["Content-Disposition"]
    # Nothing outside the storage, and no name of a user in it.
    stored = [path.relative_to(attachment_dir).parts for path in attachment_dir.rglob("*") if path.is_file()]
    assert len(stored) == Attachment.objects.count()
    assert all(len(parts) == 3 and len(parts[2]) == 32 for parts in stored)


def test_names_are_cleaned_as_listed():
    from tasks.attachments.file_names import MAX_NAME_LENGTH, clean_name

    for name, expected in HOSTILE_NAMES:
        cleaned = clean_name(name)
        assert cleaned == expected or (expected is None and len(cleaned) == MAX_NAME_LENGTH), name
    assert clean_name("x" * 5000 + ".txt").endswith("x….txt")


def test_refused_bomb_takes_no_memory(clients, task):
    resource = pytest.importorskip("resource")
    files = [(name, content) for name, content, expected in HOSTILE_FILES if expected == "decompression_bomb"]
    post(clients["bob"], b"text", "warm-up.txt")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for name, content in files:
        post(clients["bob"], content, name)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
