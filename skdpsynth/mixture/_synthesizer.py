"""DPMixtureSynthesizer: hyper-parameters, and the plan that is made of them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy as np

from .._base import BaseSynthesizer
from .._contracts import Plan
from .._parameters import Choice, Constraint, Integer, Number
from ..schema import TableSchema

__all__ = ["DPMixtureSynthesizer"]

# with noise, more passes leave too little budget for each; without, they cost only time
N_PASSES = 4
N_PASSES_WITHOUT_NOISE = 30

N_STEPS = 300
LEARNING_RATE = 0.1


class DPMixtureSynthesizer(BaseSynthesizer):
    """Differentially private mixture of products of one-column distributions.

    The table is modelled as p(x) = Σ_k π_k Π_j p(x_j | θ_kj). Every pass over the private rows
    releases the expected sufficient statistics of all components with Gaussian noise; the
    parameters are computed from what was released. When there is a target, each component models
    the rows of one class (of one range of a numeric target).

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
    n_components : int or "auto", default="auto"
        Components in total, at least one per class. "auto" weighs the noisy class counts against
        the noise.
    distributions : mapping of column name to family, default=None
        Families other than the automatic ones: "histogram" (numeric columns), "bernoulli" (two
        levels) and "categorical"; "normal" and "poisson" model a numeric column by one parameter
        or two. A target that is "normal" or "poisson" is a column like any other.
    inference : {"moments", "dpvi"}, default="moments"
        Moment perturbation, as described above, or DP variational inference: noisy gradients of
        the variational bound, clipped record by record.
    engine : {"jax", "d3p"}, default="jax"
        What computes DP-VI: kernels of this package, or the released d3p, for reference.
    n_passes : int or "auto", default="auto"
        Passes over the rows; "auto" is 4, or 30 at ε = ∞.
    n_bins : int or "auto", default="auto"
        Bins a histogram column aims at. "auto" weighs the noisy row count against the noise.
    n_steps : int or "auto", default="auto"
        Steps of DP-VI; "auto" is 300.
    sampling_rate : float in (0, 1] or "auto", default="auto"
        Probability with which a row takes part in a step; "auto" gives batches of about 4096 rows,
        with d3p of fewer where their gradients would take much memory. Where that follows from a
        noisy row count, the ledger has the largest rate that the noise could have made of it.
    clipping_norm : float or "auto", default="auto"
        Bound on the norm of one row's gradient; "auto" follows from the number of columns.
    learning_rate : float or "auto", default="auto"
        Step size of Adam; "auto" is 0.1.
    random_state : int, RandomState or None, default=None
        None draws noise from the operating system's secure source. Anything else also fixes the
        noise, which whoever knows it can subtract: for public data and tests only.
    verbose : int, default=0
        1 shows a progress bar of the passes, or steps.

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
    n_components_ : int
        Components of the fitted mixture.
    weights_ : ndarray of shape (n_components_,)
        Mixing proportions.
    model_ : MixtureModel
        The fitted mixture.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, when they are all strings.

    See Also
    --------
    NumPyroSynthesizer : A model of your own in the place of the mixture.
    skdpsynth.metrics.TSTRScorer : Train on synthetic, test on real.

    Notes
    -----
    The moments follow Park, Foulds, Chaudhuri & Welling (2020), the model and its priors twinify
    (Jälkö et al. 2021). `skdpsynth.mixture._moments.MomentsPlan` has the proof.

    References
    ----------
    Park, Foulds, Chaudhuri & Welling (2020), Variational Bayes in private settings (VIPS), Journal
    of Artificial Intelligence Research 68.

    Jälkö, Lagerspetz, Haukka, Tarkoma, Honkela & Kaski (2021), Privacy-preserving data sharing via
    probabilistic modeling, Patterns 2(7).

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth import Categorical, Count, DPMixtureSynthesizer, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99), "sick": Categorical(["no", "yes"])}, "sick")
    >>> rows = {"age": [20, 30, 60, 70] * 250, "sick": ["no", "no", "yes", "yes"] * 250}
    >>> private = pd.DataFrame(rows)
    >>> synth = DPMixtureSynthesizer(epsilon=1.0, schema=schema, random_state=0).fit(private)
    >>> synth.sample(2, random_state=0).columns.tolist()
    ['age', 'sick']
    """

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "inference": Choice("moments", "dpvi"),
        "engine": Choice("jax", "d3p"),
        "n_components": Integer(1, auto=True),
        "n_passes": Integer(1, auto=True),
        "n_bins": Integer(2, auto=True),
        "n_steps": Integer(1, auto=True),
        "sampling_rate": Number("(0, 1]", auto=True),
        "clipping_norm": Number("(0, inf)", auto=True),
        "learning_rate": Number("(0, inf)", auto=True),
    }

    def __init__(
        self,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        adjacency: str = "add_remove",
        *,
        schema: TableSchema | None = None,
        n_components: int | str = "auto",
        distributions: Mapping[Hashable, str] | None = None,
        inference: str = "moments",
        engine: str = "jax",
        n_passes: int | str = "auto",
        n_bins: int | str = "auto",
        n_steps: int | str = "auto",
        sampling_rate: float | str = "auto",
        clipping_norm: float | str = "auto",
        learning_rate: float | str = "auto",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.epsilon = epsilon
        self.delta = delta
        self.adjacency = adjacency
        self.schema = schema
        self.n_components = n_components
        self.distributions = distributions
        self.inference = inference
        self.engine = engine
        self.n_passes = n_passes
        self.n_bins = n_bins
        self.n_steps = n_steps
        self.sampling_rate = sampling_rate
        self.clipping_norm = clipping_norm
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.verbose = verbose

    @property
    def n_components_(self) -> int:
        """Components of the fitted mixture."""
        return len(self.model_.weights)

    @property
    def weights_(self) -> np.ndarray:
        """Mixing proportions of the fitted mixture."""
        return self.model_.weights

    def _plan(self, schema: TableSchema) -> Plan[Any]:
        # late: they bring jax, and who only makes a synthesizer need not wait for it
        from .._product_mixture import model_columns
        from ._dpvi._plan import VariationalPlan
        from ._dpvi._settings import StepSettings
        from ._moments import MomentsPlan
        from ._opening import find_owner

        if self.engine == "d3p":
            if self.inference != "dpvi":
                raise ValueError('engine="d3p" does inference="dpvi" only.')
            from ._d3p._engine import check_d3p_adjacency, require_d3p

            check_d3p_adjacency(self.adjacency)
            require_d3p()
        columns = model_columns(schema, self.distributions)
        model = (columns, find_owner(columns, schema), self.adjacency)
        size = (self.n_components, self.n_bins)
        if self.inference == "moments":
            plan = MomentsPlan(*model, *size, self._count_passes(), has_directions=True)
            plan.check()
            return plan
        settings = StepSettings(
            N_STEPS if self.n_steps == "auto" else int(self.n_steps),
            self.sampling_rate,
            self.clipping_norm,
            LEARNING_RATE if self.learning_rate == "auto" else float(self.learning_rate),
        )
        variational = VariationalPlan(*model, *size, settings, self.engine)
        variational.check()
        return variational

    def _count_passes(self) -> int:
        if self.n_passes != "auto":
            return int(self.n_passes)
        return N_PASSES if math.isfinite(self.epsilon) else N_PASSES_WITHOUT_NOISE
