"""The door for `python3 launcher ...` and `python3 -m launcher ...`; its syntax suits the Pythons it has to refuse."""

import os
import shutil
import sys

from launcher.cli import main

NEEDED = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

if sys.version_info < NEEDED:
    names = ["python3.%d" % minor for minor in (14, 13, 12, 11)]
    other = next((path for path in map(shutil.which, names) if path), None)
    if other is None:
        sys.exit("TaskFlow needs Python 3.11 or newer; this is %s." % sys.version.split()[0])
    os.execv(other, [other, os.path.join(ROOT, "launcher")] + sys.argv[1:])

# Started as a folder, Python puts the folder itself where the project's root should stand.
sys.path[0:1] = [ROOT]

sys.exit(main(sys.argv[1:]))
