"""What the histogram code does, done the slow way."""

import numpy as np


def find_cell(grid, kind, code):
    """Return the one fine cell that holds a value, by looking at all of them."""
    if grid.is_count:
        value = round(code * (kind.high - kind.low))
        inside = (grid.left <= value) & (value <= grid.right)
    else:
        inside = (grid.left == code) & (grid.right == code)
        if not inside.any():
            inside = (grid.left <= code) & (code < grid.right)
    (cell,) = np.flatnonzero(inside)
    return cell
