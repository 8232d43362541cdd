"""Previews of PDFs: the first page, drawn by a process with limits; hostile ones have none and hurt nobody."""

from __future__ import annotations

import zlib
from io import BytesIO

from PIL import Image

from core.testing.page_client import logged_in_client, visible_text
from tasks.attachments import pdf_page, processing
from tasks.attachments.storage import get_storage
from tasks.tests.attachments import make_attachment, make_pdf

ENCRYPTED = f"/Encrypt<</Filter/Standard/V 1/R 2/O({'x' * 32})/U({'y' * 32})/P -4>>/ID[<00><00>]"
DEFLATED = "/Filter/FlateDecode"


def bomb():
    """Return 1.4 MB that unpack to 1.5 GB of drawing commands."""
    packer, block = zlib.compressobj(9), b"q " * 500_000
    return b"".join(packer.compress(block) for _ in range(1500)) + packer.flush()


def test_pdf_has_its_first_page_or_no_preview(task, attachment_dir, bob, subtests):
    browser = logged_in_client(bob)
    packed = bomb()
    for name, content, size in (
        ("page", make_pdf(), (792, 1024)),
        ("hundred pages", make_pdf(pages=100), (792, 1024)),
        ("a poster", make_pdf(box="0 0 14400 7200"), (1024, 512)),
        ("endless", make_pdf(box="0 0 1e30 1e30"), (792, 1024)),
        ("a line", make_pdf(box="0 0 1 14400"), (1, 1024)),
        ("no pages", make_pdf(pages=0), None),
        ("encrypted", make_pdf(trailer=ENCRYPTED), None),
        ("broken", make_pdf()[:300], None),
        ("empty", b"%PDF-1.7", None),
        ("no pdf", b"%PDF-1.7" + b"\0" * 100_000, None),
        ("bomb", make_pdf(packed, filters=DEFLATED), None),
        ("bomb in a bomb", make_pdf(zlib.compress(packed, 9), filters="/Filter[/FlateDecode/FlateDecode]"), None),
    ):
        with subtests.test(name):
            attachment = make_attachment(task, bob, content, name="file.pdf", media_type="application/pdf")

            processing.process(file_id=attachment.file_id)

            file = type(attachment.file).objects.get(pk=attachment.file_id)
            page = browser.get(f"/tasks/{task.key}/attachments/{attachment.pk}/")
            assert page.status_code == 200
            assert file.state == "stored"
            assert ("There is no preview of this file." in visible_text(page)) is (size is None)
            if size:
                thumbnail = b"".join(get_storage().open_range(file.thumbnail_name, 0, file.thumbnail_size))
                with Image.open(BytesIO(thumbnail)) as image:
                    assert (image.format, image.size) == ("WEBP", size)


def test_pdf_that_takes_too_long_has_no_preview(task, attachment_dir, bob, monkeypatch, tmp_path):
    script = tmp_path / "endless.py"
    script.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(pdf_page, "__file__", str(script))
    monkeypatch.setattr("tasks.attachments.thumbnails.MAX_PDF_SECONDS", 0.5)
    attachment = make_attachment(task, bob, make_pdf(), name="file.pdf", media_type="application/pdf")

    processing.process(file_id=attachment.file_id)

    attachment.file.refresh_from_db()
    assert attachment.file.thumbnail_size == 0
