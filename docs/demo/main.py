"""The demo that ``make demo`` runs; Ctrl-C ends it quietly, even while it is still imported."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from flights import main  # takes longer than all else before the first line

        main()
    except KeyboardInterrupt:
        sys.exit("Stopped. The database holds what it held before, or the whole dataset.")
