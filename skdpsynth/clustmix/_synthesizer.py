"""ClustMixSynthesizer: hyper-parameters, and which plan they make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from .._base import BaseSynthesizer
from .._contracts import Plan
from .._parameters import Choice, Constraint, Integer, Number
from ..schema import Numeric, TableSchema, shorten

__all__ = ["ClustMixSynthesizer"]

# with more numeric columns than this, a histogram of each costs more than their second moments
MAX_BLOCK_COLUMNS = 60


class ClustMixSynthesizer(BaseSynthesizer):
    """Differentially private clusters, from which rows are drawn: Approximate, Adapt, Anonymize.

    The rows of each class are grouped into clusters around centroids that are already public,
    and what is released are the noisy count and sum of every cluster. Three stages: noisy passes
    find the clusters (Approximate), an optional step moves them towards what a kernel machine
    learns from the rows (Adapt), and the largest part of the budget measures them once more
    (Anonymize). Rows are drawn around the noisy clusters.

    Parameters
    ----------
    epsilon : float, default=1.0
        Privacy loss ε; ``float("inf")`` fits without noise, a baseline that is not private.
    delta : float, default=1e-6
        Probability δ with which ε may not hold; choose it well below one over the row count.
    adjacency : {"add_remove", "replace_one"}, default="add_remove"
        Which tables must be hard to tell apart: one row more or less, so that the row count is
        private too, or one row replaced, the row count being public.
    schema : TableSchema, default=None
        Public bounds and levels. Without it they are read from the data, which no guarantee
        covers, with a `PrivacyLeakWarning`.
    n_clusters : int or "auto", default="auto"
        Clusters in total, at least one per class; 1 means one per class, without any refinement.
        "auto" gives every class as many as its noisy count and `sigma_max` allow, 32 at most.
    sigma_max : float, default=0.02
        Largest standard deviation that the noise may have in one coordinate of a cluster's mean,
        coordinates lying in [0, 1]. It sets the smallest size of a cluster.
    alpha : float in [0, 1], default=0.5
        Weight of staying at the clusters' means in the Adapt stage: 1 keeps them, 0 follows the
        kernel machine alone. Without `adapt_share` it has no effect.
    adapt_share : float in [0, 1), default=0.0
        Share of the budget (of μ²) of the Adapt stage; 0 leaves the stage out.
    mechanism : {"gaussian_release", "madl2022"}, default="gaussian_release"
        "madl2022" is Algorithm 2 as published, whose proof does not hold: for comparison on public
        data only. It warns, and `privacy_spent_` says that its (ε, δ) are a claim.
    mode : {"auto", "blocks", "continuous"}, default="auto"
        How rows are described: as one-hot blocks, numbers binned, or as vectors with a covariance.
        "auto" is "continuous" for more than 60 numeric columns without missing values and no
        other columns beside the target, such as images.
    bounds : tuple of (float, float), default=None
        Public bounds (low, high) of all columns of an array, such as (0, 255) of an image, in the
        place of a schema; values outside are an error.
    n_bins : int or "auto", default="auto"
        Bins a numeric column aims at in "blocks" mode.
    random_state : int, RandomState or None, default=None
        None draws noise from the operating system's secure source. Anything else also fixes the
        noise, which whoever knows it can subtract: for public data and tests only.
    verbose : int, default=0
        1 shows a progress bar of the passes.

    Attributes
    ----------
    privacy_spent_ : PrivacySpent
        The guarantee.
    ledger_ : PrivacyLedger
        Every release with its sensitivity and noise.
    schema_ : TableSchema
        The schema used, the target included.
    n_records_ : int
        Row count: noisy under add/remove, exact under replace-one.
    n_clusters_ : int
        Clusters of the fitted model.
    weights_ : ndarray of shape (n_clusters_,)
        Their proportions.
    model_ : object
        The fitted clusters.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, when they are all strings.

    See Also
    --------
    SizeConstrainedGaussianMixture : The clustering of the published method, not private.
    skdpsynth.metrics.TSTRScorer : Train on synthetic, test on real.

    Notes
    -----
    The stages are those of Madl, Xu, Choudhury & Howard (2022). Their proof takes memberships for
    fixed, which change with every record; the user guide has the counter-example, and the theorem
    for the form used here.

    References
    ----------
    Madl, Xu, Choudhury & Howard (2022), Approximate, Adapt, Anonymize (3A): a framework for privacy
    preserving training data release for machine learning.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth import Categorical, ClustMixSynthesizer, Count, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99), "sick": Categorical(["no", "yes"])}, "sick")
    >>> rows = {"age": [20, 30, 60, 70] * 250, "sick": ["no", "no", "yes", "yes"] * 250}
    >>> private = pd.DataFrame(rows)
    >>> synth = ClustMixSynthesizer(epsilon=1.0, schema=schema, random_state=0).fit(private)
    >>> synth.sample(2, random_state=0).columns.tolist()
    ['age', 'sick']
    """

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "mechanism": Choice("gaussian_release", "madl2022"),
        "mode": Choice("auto", "blocks", "continuous"),
        "n_clusters": Integer(1, auto=True),
        "n_bins": Integer(2, auto=True),
        "sigma_max": Number("(0, inf)"),
        "alpha": Number("[0, 1]"),
        "adapt_share": Number("[0, 1)"),
    }

    def __init__(
        self,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        adjacency: str = "add_remove",
        *,
        schema: TableSchema | None = None,
        n_clusters: int | str = "auto",
        sigma_max: float = 0.02,
        alpha: float = 0.5,
        adapt_share: float = 0.0,
        mechanism: str = "gaussian_release",
        mode: str = "auto",
        bounds: tuple[float, float] | None = None,
        n_bins: int | str = "auto",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.epsilon = epsilon
        self.delta = delta
        self.adjacency = adjacency
        self.schema = schema
        self.n_clusters = n_clusters
        self.sigma_max = sigma_max
        self.alpha = alpha
        self.adapt_share = adapt_share
        self.mechanism = mechanism
        self.mode = mode
        self.bounds = bounds
        self.n_bins = n_bins
        self.random_state = random_state
        self.verbose = verbose

    @property
    def n_clusters_(self) -> int:
        """Clusters of the fitted model."""
        return len(self.model_.weights)

    @property
    def weights_(self) -> Any:
        """Proportions of the clusters of the fitted model."""
        return self.model_.weights

    def _plan(self, schema: TableSchema) -> Plan[Any]:
        # late: they bring jax, and who only makes a synthesizer need not wait for it
        from .._product_mixture import model_columns
        from ._adapt import AdaptedBlocks, AdaptedVectors
        from ._blocks import BlocksPlan
        from ._published import Madl2022Plan, box_columns
        from ._vectors import ContinuousPlan

        if self.mode == "continuous":
            _check_continuous(schema)
        if self.adapt_share > 0:
            _check_adaptable(schema)
        if self.mechanism == "madl2022":
            if self.adapt_share > 0:
                raise ValueError(
                    'adapt_share is for mechanism="gaussian_release"; with "madl2022" it must be 0.'
                )
            return Madl2022Plan(*box_columns(schema), self.n_clusters, self.sigma_max)
        share = 1.0 - self.adapt_share
        if self.mode == "continuous" or (self.mode == "auto" and is_wide(schema)):
            vectors = ContinuousPlan(
                tuple(schema.columns.values()),
                _owner(schema),
                self.n_clusters,
                self.sigma_max,
                share,
            )
            if self.adapt_share > 0:
                return AdaptedVectors(vectors, self.adapt_share, self.alpha)
            return vectors
        blocks = BlocksPlan(
            model_columns(schema),
            _owner(schema),
            self.n_clusters,
            self.sigma_max,
            self.n_bins,
            self.adjacency,
            math.isfinite(self.epsilon),
            share,
        )
        blocks.check()
        if self.adapt_share > 0:
            return AdaptedBlocks(blocks, self.adapt_share, self.alpha)
        return blocks


def is_wide(schema: TableSchema) -> bool:
    """Return whether "auto" describes rows of this schema as vectors."""
    features = [kind for name, kind in schema.columns.items() if name != schema.target]
    return len(features) > MAX_BLOCK_COLUMNS and not _misfits(schema)


def _check_continuous(schema: TableSchema) -> None:
    if not [name for name in schema.columns if name != schema.target]:
        raise ValueError(
            'mode="continuous" is for tables with numeric columns beside the target, and there are '
            'none; leave mode="auto".'
        )
    misfits = _misfits(schema)
    if misfits:
        raise ValueError(
            'mode="continuous" is for numeric columns without missing values and a target with '
            f"levels; it cannot describe the columns {shorten(misfits)}. "
            'Leave mode="auto", or drop them.'
        )


def _check_adaptable(schema: TableSchema) -> None:
    if schema.target is None:
        raise ValueError(
            "adapt_share spends on predicting the target, and there is none: fit with y, name "
            "a target with schema.with_target, or leave adapt_share=0."
        )
    if len(schema) < 2:
        raise ValueError(
            f"adapt_share spends on predicting the target {schema.target!r}, and there is no "
            "column beside it to predict from: add one, or leave adapt_share=0."
        )


def _misfits(schema: TableSchema) -> list[Any]:
    """Return the columns that continuous mode cannot describe."""
    return [
        name
        for name, kind in schema.columns.items()
        if isinstance(kind, Numeric) == (name == schema.target) or kind.nullable
    ]


def _owner(schema: TableSchema) -> int | None:
    """Return the position of the target, whose values are the classes."""
    return None if schema.target is None else schema.names.index(schema.target)
