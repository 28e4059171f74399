"""Batches of fixed size drawn without replacement: Rényi accounting under replace-one."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..._extras import how_to_install
from ._closed_forms import Composition
from ._composed_loss import AccountingError

__all__ = ["renyi_delta"]


def renyi_delta(composition: Composition, epsilon: float) -> float:
    """Upper bound on the δ of a composition under replace-one.

    Parameters
    ----------
    composition : Composition
        Without Poisson-subsampled events, whose Rényi divergence under replace-one dp-accounting
        does not know.
    epsilon : float
        Privacy loss in nats.

    Notes
    -----
    A batch's sum moves by at most 2C when one of its rows is replaced, so its Gaussian mechanism
    has the noise multiplier σ/2 (Wang, Balle & Kasiviswanathan 2019, Theorem 27, for drawing
    without replacement). A pure-ε release is ε²/2-zCDP (Bun & Steinke 2016, Proposition 1.4).

    Raises
    ------
    AccountingError
        If there are Poisson-subsampled events too.
    ImportError
        If dp-accounting is not installed.
    """
    if composition.subsampled:
        raise AccountingError(
            "Poisson batches and batches of fixed size cannot be accounted for together; use one "
            "kind of batch in a fit"
        )
    return float(_accountant(composition).get_delta(epsilon))


@lru_cache(maxsize=8)
def _accountant(composition: Composition) -> Any:
    """Compose all events; the divergences take long, reading δ off them at some ε does not."""
    try:
        import dp_accounting
        from dp_accounting.rdp import RdpAccountant
    except ImportError as error:
        raise ImportError(
            "accounting for batches drawn without replacement needs dp-accounting: "
            + how_to_install("d3p")
        ) from error
    accountant = RdpAccountant(neighboring_relation=dp_accounting.NeighboringRelation.REPLACE_ONE)
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        for n_rows, batch_size, multiplier, steps in composition.without_replacement:
            gaussian = dp_accounting.GaussianDpEvent(multiplier / 2.0)
            batch = dp_accounting.SampledWithoutReplacementDpEvent(n_rows, batch_size, gaussian)
            accountant.compose(batch, steps)
        if composition.mu > 0:
            accountant.compose(dp_accounting.GaussianDpEvent(1.0 / composition.mu))
        for epsilon, count in composition.selections:
            accountant.compose(dp_accounting.ZCDpEvent(epsilon**2 / 2.0), count)
    return accountant
