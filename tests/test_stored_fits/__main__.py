"""Store all fits anew, or those named: ``PYTHONPATH=tests python -m test_stored_fits [name ...]``.

Do so only for a change that alters results on purpose, in a commit that says why.
"""

from __future__ import annotations

import sys
import time

from one_blas import use_one_blas

use_one_blas()

from .fits import FITS  # noqa: E402
from .records import STORED, store  # noqa: E402


def main(names: list[str]) -> None:
    """Write the records of fits, and leave alone what needs a package that is not installed."""
    STORED.mkdir(exist_ok=True)
    for name in names or FITS:
        if not FITS[name].is_possible:
            sys.stdout.write(f"{name}: left as it is; {FITS[name].needs} is not installed\n")
            continue
        start = time.process_time()
        store(name, FITS[name])
        sys.stdout.write(f"{name}: {time.process_time() - start:.1f} CPU s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
