"""``python -m structgen`` is ``structgen``."""

from __future__ import annotations

import sys

from structgen.cli import main

if __name__ == "__main__":
    sys.exit(main())
