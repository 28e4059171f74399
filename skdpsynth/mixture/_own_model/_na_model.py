"""NAModel: the NumPyro distribution of a value that may be missing."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import Distribution, constraints
from numpyro.distributions.util import validate_sample

__all__ = ["NAModel", "cast_to_support"]


class _OrMissing(constraints.Constraint):
    """What a constraint admits, and NaN; real-valued even where the constraint is discrete."""

    is_discrete = False

    def __init__(self, base: Any) -> None:
        self.base = base

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self.base.event_dim

    def __call__(self, x: Any) -> Any:
        return self.base(x) | _is_missing(x, self.base.event_dim)

    def __repr__(self) -> str:
        return f"{self.base!r} or missing"

    def feasible_like(self, prototype: Any) -> Any:
        return self.base.feasible_like(prototype)

    def tree_flatten(self) -> Any:
        return (self.base,), (("base",), {})

    def eq(self, other: object, static: bool = False) -> Any:
        return type(other) is type(self) and self.base == other.base  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        return bool(self.eq(other, static=True))

    __hash__ = None  # type: ignore[assignment]


class _OrMissingFree(_OrMissing, constraints.ParameterFreeConstraint):
    """The same for a constraint without parameters, as mixtures of one family require."""


def _is_missing(value: Any, event_dim: int) -> Any:
    """Return whether all entries of each event are NaN."""
    is_nan = jnp.isnan(value)
    return is_nan.all(axis=tuple(range(-event_dim, 0))) if event_dim else is_nan


def cast_to_support(value: Any, support: Any) -> Any:
    """Return `value` as integers where the support consists of integers.

    Records are arrays of floats, while a Categorical looks its probabilities up by position.
    """
    value = jnp.asarray(value)
    # numpyro 0.19 takes integers for continuous once they are declared to be one event
    while not support.is_discrete and hasattr(support, "base_constraint"):
        support = support.base_constraint
    is_float = jnp.issubdtype(value.dtype, jnp.floating)
    return value.astype(jnp.int32) if is_float and support.is_discrete else value


class NAModel(Distribution):
    """A value that is missing with probability `na_prob` and else follows `distribution`.

    Its density is q δ_NA(x) + (1 − q) φ(x), where NaN stands for a missing value: log q at NaN and
    log(1 − q) + log φ(x) elsewhere. Values are floats, also those of a discrete `distribution`.
    The gradient with respect to all parameters is finite at missing values.

    Parameters
    ----------
    distribution : numpyro Distribution
        φ, the distribution of a value that is present.
    na_prob : array of values in [0, 1]
        q, the probability that the value is missing; broadcast against the batch shape.

    Attributes
    ----------
    base_dist : numpyro Distribution
        φ, expanded to the batch shape.
    na_prob : array of shape batch_shape

    Notes
    -----
    An event is missing as a whole; one that is missing in part has density zero. For a vector
    whose entries are missing one by one, wrap the entries and then declare the event:
    ``NAModel(Normal(loc, scale), na_prob).to_event(1)``.

    References
    ----------
    Jälkö, Lagerspetz, Haukka, Tarkoma, Honkela & Kaski (2021), Privacy-preserving data sharing via
    probabilistic modeling, Patterns 2(7).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import numpyro.distributions as dist
    >>> from skdpsynth.mixture._own_model._na_model import NAModel
    >>> bmi = NAModel(dist.Normal(26.0, 4.0), na_prob=0.25)
    >>> jnp.exp(bmi.log_prob(jnp.array([jnp.nan, 26.0]))).round(3).tolist()
    [0.25, 0.07500000298023224]
    """

    arg_constraints = {"na_prob": constraints.unit_interval}  # noqa: RUF012, numpyro's own name
    pytree_data_fields = ("base_dist", "na_prob")

    def __init__(
        self, distribution: Distribution, na_prob: Any, *, validate_args: bool | None = None
    ) -> None:
        batch_shape = lax.broadcast_shapes(jnp.shape(na_prob), distribution.batch_shape)
        self.base_dist = distribution.expand(batch_shape)
        self.na_prob = jnp.broadcast_to(na_prob, batch_shape)
        super().__init__(batch_shape, distribution.event_shape, validate_args=validate_args)

    @property
    def support(self) -> Any:
        """The support of φ, and NaN."""
        base = self.base_dist.support
        is_free = isinstance(base, constraints.ParameterFreeConstraint)
        return _OrMissingFree(base) if is_free else _OrMissing(base)

    @property
    def has_rsample(self) -> bool:
        """Never: a missing value has no derivative."""
        return False

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draw values, NaN where missing, of shape sample_shape + batch_shape + event_shape."""
        missing_key, base_key = jax.random.split(key)
        is_missing = jax.random.bernoulli(
            missing_key, self.na_prob, sample_shape + self.batch_shape
        )
        is_missing = is_missing.reshape(is_missing.shape + (1,) * self.event_dim)
        return jnp.where(is_missing, jnp.nan, self.base_dist.sample(base_key, sample_shape))

    @validate_sample
    def log_prob(self, value: Any, intermediates: Any = None) -> jax.Array:
        """Return the log density of values, NaN where missing."""
        value = jnp.asarray(value)
        is_nan, is_missing = jnp.isnan(value), _is_missing(value, self.event_dim)
        support, axes = self.base_dist.support, tuple(range(-self.event_dim, 0))
        # gradients flow through both branches of a where: neither may hold a NaN or a log of zero
        has_nan = is_nan.any(axis=axes, keepdims=True) if axes else is_nan
        present = jnp.where(has_nan, support.feasible_like(value), value)
        log_present = self.base_dist.log_prob(cast_to_support(present, support))
        log_present = log_present + jnp.log1p(-jnp.where(is_missing, 0.5, self.na_prob))
        log_missing = jnp.log(jnp.where(is_missing, self.na_prob, 0.5))
        log_prob = jnp.where(is_missing, log_missing, log_present)
        if axes:
            log_prob = jnp.where(has_nan.squeeze(axes) & ~is_missing, -jnp.inf, log_prob)
        return log_prob
