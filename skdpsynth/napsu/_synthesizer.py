"""NapsuMQSynthesizer: its hyper-parameters, and the plan that they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .._base import BaseSynthesizer
from .._contracts import Plan
from .._parameters import Choice, Constraint, Integer, Number
from ..schema import TableSchema

__all__ = ["NapsuMQSynthesizer"]


class NapsuMQSynthesizer(BaseSynthesizer):
    """Noise-aware Markov network fitted to differentially private marginals.

    Marginals of the discretised table are measured with Gaussian noise. The table is modelled by
    the distribution of largest entropy with these marginals, p(x | λ) ∝ exp(λ·a(x)), and the
    posterior of λ takes account of the noise: intervals by `combine_estimates` from the tables of
    `sample_datasets` cover the truth about as often as they say, for whatever the measured
    marginals determine.

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
    queries : {"auto", "star", "tree", "tan"} or list of tuple of column names, default="auto"
        The marginals to measure. Give them for valid intervals: all columns of an analysis in one
        query. Columns in none of them are measured alone. Otherwise "star" measures every column
        with the target. The others measure the star, or without a target every column, and then
        "tree" a spanning tree of pairs, selected privately; "tan" a private tree of pairs given
        the target; "auto" those pairs, given the target if any, that are found to be missed most.
    bins : "private", "public", mapping of column name to bins, or None, default="private"
        How numeric columns are discretised; a Count of at most 20 integers is not. "private" buys
        bins of about equal counts with part of the budget, "public" are equally wide. A mapping
        gives a number of equally wide bins, or edges, for the columns it names. None is for tables
        without such columns.
    n_bins : int or "auto", default="auto"
        Bins of a numeric column. "auto" is 16 with queries given, and otherwise weighs the noisy
        row count against the noise.
    inference : {"laplace", "map", "nuts"}, default="laplace"
        Posterior of λ: a normal approximation in the expected statistics; none, only its mode; or
        Hamiltonian Monte Carlo. Networks of more than 1200 parameters, or 3000 cells in the
        cliques, and those with an estimated prior, are fitted to the noisy marginals made
        consistent instead, and "laplace" draws by perturbing and fitting them again.
    prior_scale : float or "auto", default="auto"
        Standard deviation of the normal prior of λ. "auto" is 1.5 with queries given, and otherwise
        estimated from the noisy marginals for every set of columns: good for prediction, but
        intervals of what is shrunk are then too narrow. In large networks a number means that
        nothing is shrunk.
    max_clique_size : int, default=100_000
        Most cells of a clique of the junction tree; "auto" stops at 20,000.
    n_draws : int, default=1200
        Draws of NUTS, at least.
    random_state : int, RandomState or None, default=None
        None draws noise from the operating system's secure source. Anything else also fixes the
        noise, which whoever knows it can subtract: for public data and tests only.
    verbose : int, default=0
        1 shows a progress bar of the releases.

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
    queries_ : tuple of tuple
        Names of the columns of every measured marginal.
    model_ : NapsuModel
        The fitted network.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, when they are all strings.

    See Also
    --------
    skdpsynth.combine_estimates : Rubin's rules for estimates from synthetic tables.
    skdpsynth.metrics.TSTRScorer : Train on synthetic, test on real.

    Notes
    -----
    Sensitivities and the proofs are in `skdpsynth._markov_network._marginals.release_marginals` and
    `skdpsynth.napsu._selection`. Sampling, scoring and conditions are exact for the fitted
    network; a condition on a binned number is on its bin.

    References
    ----------
    Räisä, Jälkö, Kaski & Honkela (2023), Noise-aware statistical inference with differentially
    private synthetic data, AISTATS.

    McKenna, Miklau & Sheldon (2021), Winning the NIST contest: a scalable and general approach to
    differentially private synthetic data, Journal of Privacy and Confidentiality 11(3).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skdpsynth import Categorical, NapsuMQSynthesizer, TableSchema
    >>> schema = TableSchema({"smokes": Categorical([0, 1]), "sick": Categorical([0, 1])}, "sick")
    >>> smokes = np.repeat([0, 1], 1000)
    >>> private = pd.DataFrame({"smokes": smokes, "sick": np.arange(2000) % (5 - 3 * smokes) == 0})
    >>> synth = NapsuMQSynthesizer(schema=schema, queries=[("smokes", "sick")], random_state=0)
    >>> synth.plan()
    Plan of NapsuMQSynthesizer(epsilon=1, delta=1e-06, adjacency='add_remove')
      release        mechanism  number  share of mu²
      row count      Gaussian        1          2.0%
      smokes × sick  Gaussian        1         98.0%
    >>> tables = synth.fit(private.astype(int)).sample_datasets(20, random_state=0)
    >>> rates = [table.loc[table["smokes"] == 1, "sick"] for table in tables]
    >>> from skdpsynth import combine_estimates
    >>> rate = combine_estimates(
    ...     [r.mean() for r in rates], [r.var() / len(r) for r in rates],
    ...     n_synthetic=2000, n_real=synth.n_records_,
    ... )
    >>> low, high = rate.interval(0.95)
    >>> bool(low < 0.5 < high)
    True
    """

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "inference": Choice("map", "laplace", "nuts"),
        "n_bins": Integer(2, auto=True),
        "max_clique_size": Integer(1),
        "n_draws": Integer(10),
        "prior_scale": Number("(0, inf)", auto=True),
    }

    def __init__(
        self,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        adjacency: str = "add_remove",
        *,
        schema: TableSchema | None = None,
        queries: str | Iterable[Iterable[Any]] = "auto",
        bins: str | Mapping[Any, Any] | None = "private",
        n_bins: int | str = "auto",
        inference: str = "laplace",
        prior_scale: float | str = "auto",
        max_clique_size: int = 100_000,
        n_draws: int = 1200,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.epsilon = epsilon
        self.delta = delta
        self.adjacency = adjacency
        self.schema = schema
        self.queries = queries
        self.bins = bins
        self.n_bins = n_bins
        self.inference = inference
        self.prior_scale = prior_scale
        self.max_clique_size = max_clique_size
        self.n_draws = n_draws
        self.random_state = random_state
        self.verbose = verbose

    def _plan(self, schema: TableSchema) -> Plan[Any]:
        # late: they bring jax, and who only makes a synthesizer need not wait for it
        from ._plan import NapsuPlan
        from ._queries import read_bins, read_queries

        plan = NapsuPlan(
            schema,
            self.adjacency,
            read_queries(self.queries, schema),
            read_bins(self.bins, schema),
            self.n_bins,
            int(self.max_clique_size),
            self.prior_scale,
            self.inference,
            int(self.n_draws),
        )
        plan.check_cliques()
        plan.check_memory()
        return plan

    @property
    def queries_(self) -> tuple[tuple[Any, ...], ...]:
        """Names of the columns of every measured marginal."""
        return self.model_.query_names
