"""DPMixtureSynthesizer: hyper-parameters, and the way through the mixture's modules."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
from tqdm.auto import tqdm

from .._base import BaseSynthesizer
from .._parameters import Choice, is_auto, is_number
from .._product_mixture._columns import model_columns
from .._product_mixture._estimates import effective_size
from .._product_mixture._model import MixtureModel
from .._product_mixture._release import MixtureRelease, infer_mixture
from .._reading import check_choice, check_integer
from ..privacy import NoiseSource, PrivacyLedger
from ..schema import Table, TableSchema
from ._d3p._engine import check_d3p_adjacency, require_d3p
from ._dpvi._variational import VariationalPlan, VariationalRelease, release_variational
from ._moments import MomentsPlan, release_moments
from ._own_model._check_model import check_model
from ._own_model._fitted import CustomModel
from ._own_model._release import CustomRelease, count_steps, infer_custom, release_custom

__all__ = ["DPMixtureSynthesizer"]

# with noise, more passes leave too little budget for each; without, they cost only time
N_PASSES = 8
N_PASSES_WITHOUT_NOISE = 30

INFERENCES = ("moments", "dpvi")
ENGINES = ("jax", "d3p")


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
    model : callable, default=None
        A NumPyro model of one record in the place of the mixture, ``model(x=None,
        num_obs_total=None)``, fitted by ``inference="dpvi"``; `check_model` says what x holds.
        Its priors set where the fit starts and how far it steps: let them cover plausible values.
    guide : callable, AutoGuide or subclass of AutoGuide, default=None
        Its variational family; by default independent normals.
    n_passes : int or "auto", default="auto"
        Passes over the rows; "auto" is 8, or 30 at ε = ∞.
    n_bins : int or "auto", default="auto"
        Bins a histogram column aims at. "auto" weighs the noisy row count against the noise.
    n_steps : int or "auto", default="auto"
        Steps of DP-VI; "auto" is 300, or 1000 for a model of your own.
    sampling_rate : float in (0, 1] or "auto", default="auto"
        Probability with which a row takes part in a step; "auto" gives batches of about 4096 rows,
        with d3p of fewer where their gradients would take much memory. Where that follows from a
        noisy row count, the ledger has the largest rate that the noise could have made of it.
    clipping_norm : float or "auto", default="auto"
        Bound on the norm of one row's gradient; "auto" follows from the number of columns, or of
        latent variables of a model of your own.
    learning_rate : float or "auto", default="auto"
        Step size of Adam; "auto" is 0.1, or 0.05 for a model of your own.
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
    skdpsynth.metrics.TSTRScorer : Train on synthetic, test on real.

    Notes
    -----
    The moments follow Park, Foulds, Chaudhuri & Welling (2020), the model and its priors twinify
    (Jälkö et al. 2021). `skdpsynth.mixture._moments.release_moments` has the proof.

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

    _constraints: ClassVar = {"inference": Choice(*INFERENCES)}

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
        model: Callable[..., Any] | None = None,
        guide: Any = None,
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
        self.model = model
        self.guide = guide
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

    def _check_parameters(self, schema: TableSchema) -> None:
        check_choice(self.engine, "engine", ENGINES)
        self._check_numbers()
        if self.engine == "d3p":
            if self.inference != "dpvi" or self.model is not None:
                raise ValueError('engine="d3p" does the automatic model by inference="dpvi" only.')
            check_d3p_adjacency(self.adjacency)
            require_d3p()
        if self.model is not None:
            if self.inference != "dpvi":
                raise ValueError('A model of your own needs inference="dpvi".')
            if self.distributions is not None:
                raise ValueError("distributions is for the automatic model; leave it out.")
            check_model(self.model, schema, self.guide)
        elif self.guide is not None:
            raise ValueError("A guide needs the model it belongs to: pass model as well.")
        model_columns(schema, self.distributions)

    def _check_numbers(self) -> None:
        for name, smallest in [("n_components", 1), ("n_passes", 1), ("n_bins", 2), ("n_steps", 1)]:
            check_integer(getattr(self, name), name, smallest)
        for name, largest in [
            ("sampling_rate", 1.0),
            ("clipping_norm", math.inf),
            ("learning_rate", math.inf),
        ]:
            value = getattr(self, name)
            is_allowed = is_number(value) and 0 < value <= largest and math.isfinite(value)
            if not is_allowed and not is_auto(value):
                bound = f" of at most {largest:g}" if math.isfinite(largest) else ""
                raise ValueError(
                    f'{name} must be "auto" or a positive number{bound}, got {value!r}.'
                )

    def _release(
        self, table: Table, ledger: PrivacyLedger, noise: NoiseSource
    ) -> MixtureRelease | VariationalRelease | CustomRelease:
        if self.model is not None:
            plan = self._variational_plan()
            with self._progress(count_steps(plan), "steps") as progress:
                return release_custom(
                    table, self.model, self.guide, plan, ledger, noise, progress.update
                )
        columns = model_columns(table.schema, self.distributions)
        owner = None
        if table.schema.target is not None:
            position = table.schema.names.index(table.schema.target)
            owner = position if columns[position].is_tabulated else None
        if self.inference == "dpvi":
            plan = self._variational_plan()
            with self._progress(plan.count_steps(), "steps") as progress:
                return release_variational(
                    table.codes, columns, owner, plan, ledger, noise, progress.update, self.engine
                )
        n_passes = self.n_passes
        if n_passes == "auto":
            n_passes = N_PASSES if math.isfinite(ledger.mu) else N_PASSES_WITHOUT_NOISE
        moments = MomentsPlan(self.n_components, self.n_bins, int(n_passes))
        with self._progress(moments.n_passes, "passes") as progress:
            return release_moments(
                table.codes, columns, owner, moments, ledger, noise, progress.update
            )

    def _variational_plan(self) -> VariationalPlan:
        return VariationalPlan(
            self.n_components,
            self.n_bins,
            self.n_steps,
            self.sampling_rate,
            self.clipping_norm,
            self.learning_rate,
        )

    def _progress(self, total: int, description: str) -> tqdm:
        return tqdm(total=total, desc=description, disable=not self.verbose)

    def _infer(
        self, release: MixtureRelease | VariationalRelease | CustomRelease
    ) -> MixtureModel | CustomModel:
        if isinstance(release, CustomRelease):
            return infer_custom(release)
        if isinstance(release, MixtureRelease):
            return infer_mixture(release)
        size = effective_size(release.weights[None], np.array([release.n_records]), np.zeros(1))
        return MixtureModel(
            release.columns,
            release.layout,
            release.bins,
            release.weights,
            float(size[0]),
            release.owner,
            release.estimates,
        )
