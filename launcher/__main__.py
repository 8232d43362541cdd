"""Entry point of `python3 launcher ...` and `python3 -m launcher ...`.

Older Pythons must be able to parse this file, so that it can refuse them with a clear message.
"""

import os
import shutil
import sys

MIN_PYTHON = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

if sys.version_info < MIN_PYTHON:
    names = ["python3.%d" % minor for minor in (14, 13, 12, 11)]
    other = next((path for path in map(shutil.which, names) if path), None)
    if other is None:
        sys.exit("TaskFlow needs Python 3.11 or newer; this is %s." % sys.version.split()[0])
    os.execv(other, [other, os.path.join(ROOT, "launcher")] + sys.argv[1:])

# For `python3 launcher`, Python puts launcher/ itself first on the path; imports need its parent.
sys.path[0:1] = [ROOT]

from launcher.cli import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
