"""NumPyroSynthesizer: hyper-parameters, and the plan that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ..._base import BaseSynthesizer
from ..._contracts import Plan
from ..._parameters import Constraint, Integer, Number
from ...schema import TableSchema

__all__ = ["NumPyroSynthesizer"]

# the optimisation starts from the prior, not from a profile of the rows
N_STEPS = 1000
LEARNING_RATE = 0.05


class NumPyroSynthesizer(BaseSynthesizer):
    """Differentially private fit of a NumPyro model that you write, of one record.

    The model's latent variables are fitted by DP variational inference: noisy gradients of the
    variational bound, clipped record by record. Rows are sampled from the fitted model.

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
    model : callable, default=None
        The model of one record, ``model(x=None, num_obs_total=None)``; `check_model` says what x
        holds, and what is wrong with a model. Its priors set where the fit starts and how far it
        steps: let them cover plausible values. None is a plain one to begin with, naive Bayes:
        columns are independent given the target, or altogether where there is none, or one that
        is a number or has more than 32 levels. Levels have probabilities, as have the values of
        a Count of 64 integers at most; other numbers are normal, truncated to their bounds.
        `DPMixtureSynthesizer` usually says more with the same budget.
    guide : callable, AutoGuide or subclass of AutoGuide, default=None
        The variational family of `model`; by default independent normals.
    n_steps : int or "auto", default="auto"
        Steps of the optimisation; "auto" is 1000.
    sampling_rate : float in (0, 1] or "auto", default="auto"
        Probability with which a row takes part in a step; "auto" gives batches of about 4096 rows.
        Where that follows from a noisy row count, the ledger has the largest rate that the noise
        could have made of it.
    clipping_norm : float or "auto", default="auto"
        Bound on the norm of one row's gradient; "auto" follows from the number of latent variables.
    learning_rate : float or "auto", default="auto"
        Step size of Adam; "auto" is 0.05.
    random_state : int, RandomState or None, default=None
        None draws noise from the operating system's secure source. Anything else also fixes the
        noise, which whoever knows it can subtract: for public data and tests only.
    verbose : int, default=0
        1 shows a progress bar of the steps.

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
    model_ : CustomModel or NaiveBayesModel
        The fitted model. It cannot be sampled given some columns' values, and one of your own gives
        the joint density only.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, when they are all strings.

    See Also
    --------
    skdpsynth.mixture.check_model : What is wrong with a model, before any budget is spent.
    skdpsynth.mixture.NAModel : A distribution of values that may be missing.

    References
    ----------
    Jälkö, Prediger, Honkela & Kaski (2023), DPVIm: Differentially private variational inference
    improved, Transactions on Machine Learning Research.

    Jälkö, Lagerspetz, Haukka, Tarkoma, Honkela & Kaski (2021), Privacy-preserving data sharing via
    probabilistic modeling, Patterns 2(7).

    Examples
    --------
    >>> import numpyro
    >>> import numpyro.distributions as dist
    >>> import pandas as pd
    >>> from skdpsynth import Categorical, NumPyroSynthesizer, TableSchema
    >>> def illness(x=None, num_obs_total=None):
    ...     rate = numpyro.sample("rate", dist.Beta(1.0, 1.0))
    ...     with numpyro.plate("records", num_obs_total):
    ...         sick = None if x is None else x[:, 0]
    ...         numpyro.sample("sick", dist.Bernoulli(rate), obs=sick)
    >>> schema = TableSchema({"sick": Categorical(["no", "yes"])})
    >>> private = pd.DataFrame({"sick": ["no", "no", "no", "yes"] * 250})
    >>> synth = NumPyroSynthesizer(schema=schema, model=illness, n_steps=50, random_state=0)
    >>> synth.fit(private).sample(2, random_state=0).columns.tolist()
    ['sick']
    """

    _constraints: ClassVar[Mapping[str, Constraint]] = {
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
        model: Callable[..., Any] | None = None,
        guide: Any = None,
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
        self.model = model
        self.guide = guide
        self.n_steps = n_steps
        self.sampling_rate = sampling_rate
        self.clipping_norm = clipping_norm
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.verbose = verbose

    def _plan(self, schema: TableSchema) -> Plan[Any]:
        # late: they bring jax, and who only makes a synthesizer need not wait for it
        from .._dpvi._settings import StepSettings
        from ._check_model import check_model
        from ._naive_bayes import NaiveBayesPlan
        from ._plan import NumPyroPlan

        settings = StepSettings(
            N_STEPS if self.n_steps == "auto" else int(self.n_steps),
            self.sampling_rate,
            self.clipping_norm,
            LEARNING_RATE if self.learning_rate == "auto" else float(self.learning_rate),
        )
        if self.model is None:
            if self.guide is not None:
                raise ValueError(
                    "A guide is for the latent sites of one model, and the guide of "
                    "NumPyroSynthesizer needs a model of one record: pass model, a function "
                    "model(x=None, num_obs_total=None) of NumPyro sites, or leave guide out, too."
                )
            return NaiveBayesPlan.build(schema, self.adjacency, settings)
        check_model(self.model, schema, self.guide)
        return NumPyroPlan(schema, self.model, self.guide, self.adjacency, settings)
