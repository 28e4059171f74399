"""The command line: ``skdpsynth``, or ``python -m skdpsynth``."""

from __future__ import annotations

import sys

from ._cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
