"""Collects the texts of pages, emails and errors for translation into locale/<language>/LC_MESSAGES/django.po."""

from __future__ import annotations

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    # Errors that functions get as an argument are translated where they are raised (core.errors.DomainError).
    xgettext_options = [
        *makemessages.Command.xgettext_options,
        "--keyword=get_or_404:2",
        "--keyword=require:2",
        "--keyword=require_administrator:2",
    ]
