"""``python -m jsonschemabench``."""

from __future__ import annotations

import sys

from jsonschemabench import main

if __name__ == "__main__":
    sys.exit(main())
