"""``python -m algomancy_data`` is the command ``algomancy-data``."""

from __future__ import annotations

import sys

from algomancy_data.cli import main

if __name__ == "__main__":
    sys.exit(main())
