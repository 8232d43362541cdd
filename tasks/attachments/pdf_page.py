"""Draw the first page of a PDF, from standard input to standard output, as PNG.

A program of its own, which knows nothing of this server: PDFium is half a million lines of C++ that read a stranger's file,
so it runs in a process without environment, new files and new processes, whose end is no one else's.
"""

from __future__ import annotations

import resource
import sys

EDGE = 1024
MAX_MEGABYTES = 512
MAX_CPU_SECONDS = 10
MAX_OUTPUT_BYTES = 16 * 1024 * 1024


def main() -> None:
    """Draw the page; any error ends the process with a status other than 0."""
    for limit, value in (
        (resource.RLIMIT_AS, MAX_MEGABYTES * 1024 * 1024),
        (resource.RLIMIT_CPU, MAX_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, MAX_OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    # After the limits.
    import pypdfium2

    # Without forms and scripts; an encrypted file asks for a password, which is an error.
    page = pypdfium2.PdfDocument(sys.stdin.buffer)[0]
    # Of a page of any size: neither a poster nor a line takes more.
    scale = EDGE / max(page.get_width(), page.get_height(), 1)
    page.render(scale=scale, draw_annots=False).to_pil().convert("RGB").save(sys.stdout.buffer, "PNG")


if __name__ == "__main__":
    main()
