#!/usr/bin/env python
"""Django's command line; settings that are missing or invalid are one sentence instead of a traceback."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    try:
        _ = settings.DATABASES
    except ImproperlyConfigured as error:
        sys.exit(f"TaskFlow: {error}")
    execute_from_command_line(sys.argv)
