#!/usr/bin/env python
"""Django's command line; settings that are missing or invalid are one sentence instead of a traceback."""

import gc
import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    # Objects that imports create live for ever: scanning them as often as by default takes a tenth of the start.
    gc.set_threshold(20_000, 20, 50)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    try:
        _ = settings.DATABASES
    except ImproperlyConfigured as error:
        sys.exit(f"TaskFlow: {error}")
    execute_from_command_line(sys.argv)
