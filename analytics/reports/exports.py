"""Reports as CSV and XLSX files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date

import xlsxwriter
from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from analytics.reports.results import Report, Value

FILE_TYPES = ("csv", "xlsx")
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Spreadsheet programs run a cell that begins with one of these as a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: Value) -> str:
    """Return a value as a text that no spreadsheet program takes for a formula."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def iter_csv(report: Report) -> Iterator[str]:
    """Yield the lines of the CSV file (RFC 4180), with the head first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([safe_cell(column.label) for column in report.columns])
    for row in report.export_rows():
        writer.writerow(list(map(safe_cell, row)))
        if buffer.tell() > 16_384:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def write_xlsx(report: Report, title: str) -> io.BytesIO:
    """Return the XLSX file. Texts are written as texts, so none of them is a formula or a link."""
    file = io.BytesIO()
    # Constant memory: each row is written out before the next is read.
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet(title[:31])
    bold = book.add_format({"bold": True})
    for index, column in enumerate(report.columns):
        sheet.set_column(index, index, 40 if column.kind == "text" else 14)
        sheet.write_string(0, index, column.label, bold)
    for number, row in enumerate(report.export_rows(), start=1):
        for index, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, index, value)
            elif isinstance(value, date):
                sheet.write_datetime(number, index, value)
            elif value is not None:
                sheet.write_number(number, index, value)
    book.close()
    file.seek(0)
    return file


def file_response(report: Report, *, name: str, title: str, day: date, file_type: str) -> HttpResponse:
    """Return the report as a download that no cache keeps."""
    response: StreamingHttpResponse | FileResponse
    if file_type == "csv":
        response = StreamingHttpResponse(iter_csv(report), content_type="text/csv; charset=utf-8")
    else:
        response = FileResponse(write_xlsx(report, title), content_type=XLSX_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}-{day.isoformat()}.{file_type}"'
    response["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response  # type: ignore[return-value]  # both are responses; Django's types have no common name for them
