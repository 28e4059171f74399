"""How to install what an extra of the package brings."""

from __future__ import annotations

__all__ = ["how_to_install"]


def how_to_install(extra: str) -> str:
    """Return what to run for an extra: the package is installed from its source, not an index.

    Examples
    --------
    >>> how_to_install("plot")
    'pip install -e ".[plot]" in the folder of the source'
    """
    return f'pip install -e ".[{extra}]" in the folder of the source'
