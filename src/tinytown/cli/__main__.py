"""`python -m tinytown.cli` is `tt`; the host is started this way, by the interpreter that runs us."""

from __future__ import annotations

import sys

from tinytown.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
