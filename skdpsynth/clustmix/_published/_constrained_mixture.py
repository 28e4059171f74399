"""A Gaussian mixture, without privacy, whose clusters all have a least number of records."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.cluster import kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from tqdm.auto import tqdm

from ..._fitting import whole_or_not_at_all
from ._constrained_em import ConstrainedFit, SizeBounds, fit_from
from ._gaussians import COVARIANCE_TYPES, Gaussians, draw_deviations, log_joint

__all__ = ["SizeConstrainedGaussianMixture"]

INITIALISATIONS = ("k-means++", "random_from_data")


class SizeConstrainedGaussianMixture(DensityMixin, BaseEstimator):  # type: ignore[misc]
    """Gaussian mixture fitted under exact bounds on the number of records of every component.

    Each iteration assigns the records to components such that the sum of log(π_k N(x | m_k, Σ_k))
    is as large as it can be while every component has at least `min_size` records, and at most
    `max_size`; then it fits every component to its records. It gives no privacy of any kind, and
    bounded sizes do not make it insensitive to a single record.

    Parameters
    ----------
    n_components : int, default=1
        Number of components.
    min_size : int, default=1
        Fewest records of a component.
    max_size : int, default=None
        Most records of a component.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        A covariance matrix for every component; one for all; variances of the features for every
        component; one variance for every component.
    tol : float, default=1e-6
        Iterations stop when the mean of the objective rises by less; in nats per record.
    reg_covar : float, default=1e-6
        Added to all variances, in squared units of the features.
    max_iter : int, default=100
        Most iterations of each start.
    n_init : int, default=1
        Starts, of which the one with the highest objective is kept.
    init_params : {"k-means++", "random_from_data"}, default="k-means++"
        How the first centres are chosen among the records.
    random_state : int, RandomState or None, default=None
        For the starts and for `sample`.
    verbose : int, default=0
        1 shows a progress bar of the iterations.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Shares of the records.
    means_ : ndarray of shape (n_components, n_features)
        Means of the components.
    covariances_ : ndarray
        Of shape (n_components, n_features, n_features) for "full", (n_features, n_features) for
        "tied", (n_components, n_features) for "diag" and (n_components,) for "spherical".
    precisions_cholesky_ : ndarray, shape of `covariances_`
        Upper triangular P with P Pᵀ the inverse of the covariance matrix; inverse standard
        deviations for "diag" and "spherical".
    labels_ : ndarray of shape (n_samples,)
        Component of every record of `fit`, within the bounds; `predict` knows no bounds.
    converged_ : bool
        Whether the start that was kept stopped before `max_iter`.
    n_iter_ : int
        Iterations of the start that was kept.
    lower_bound_ : float
        Its objective: mean of log(π_k N(x | m_k, Σ_k)) − ½·reg_covar·tr(Σ_k⁻¹) at each record's
        component.
    lower_bounds_ : list of float
        The objective after every assignment; never falls, up to rounding.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, when they are all strings.

    See Also
    --------
    sklearn.mixture.GaussianMixture : Without bounds, by expectation maximisation.

    Notes
    -----
    The assignment is a transportation problem, solved to optimality in every iteration; see
    `skdpsynth.clustmix._published._assignment`. The term with `reg_covar` makes the regularised
    covariances the exact maximisers of the objective, so that it cannot fall.

    Jitta and Klami put a prior on the sizes; bounds are their case of a prior that is flat within
    the bounds and 0 outside, and the network flow takes the place of their integer program.

    References
    ----------
    Jitta & Klami (2018), On controlling the size of clusters in probabilistic clustering, AAAI.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [0.1], [0.2], [9.0]])
    >>> mixture = SizeConstrainedGaussianMixture(2, min_size=2, random_state=0).fit(X)
    >>> np.bincount(mixture.labels_)
    array([2, 2])
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        min_size: int = 1,
        max_size: int | None = None,
        covariance_type: str = "full",
        tol: float = 1e-6,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "k-means++",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.min_size = min_size
        self.max_size = max_size
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.random_state = random_state
        self.verbose = verbose

    @whole_or_not_at_all
    def fit(self, X: Any, y: Any = None) -> SizeConstrainedGaussianMixture:
        """Fit the mixture.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Records.
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter is outside its range, the sizes cannot be kept, or a covariance matrix
            is singular.
        """
        self._check_parameters()
        X = self._read(X, reset=True)
        self._check_sizes(len(X))
        rng = check_random_state(self.random_state)
        fits = [self._fit_once(X, rng) for _ in range(self.n_init)]
        best = max(fits, key=lambda fit: fit.lower_bounds[-1])
        if not best.converged:
            warnings.warn(
                f"The best of {self.n_init} starts did not converge in {self.max_iter} iterations; "
                "increase max_iter or tol.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.weights_, self.means_, self.covariances_, self.precisions_cholesky_ = best.mixture
        self.labels_ = best.labels
        self.converged_ = best.converged
        self.lower_bounds_ = best.lower_bounds
        self.lower_bound_ = best.lower_bounds[-1]
        self.n_iter_ = best.n_iter
        return self

    def _read(self, X: Any, *, reset: bool) -> np.ndarray:
        try:
            return np.asarray(validate_data(self, X, dtype=np.float64, reset=reset))
        except OverflowError:
            raise ValueError("X holds an integer that is too large for float64.") from None

    def _fit_once(self, X: np.ndarray, rng: np.random.RandomState) -> ConstrainedFit:
        iterations = tqdm(range(self.max_iter), desc="iterations", disable=not self.verbose)
        return fit_from(
            X,
            self._first_centres(X, rng),
            SizeBounds(self.min_size, self.max_size),
            self.covariance_type,
            float(self.reg_covar),
            self.tol,
            iterations,
        )

    def _first_centres(self, X: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        if self.init_params == "k-means++":
            return np.asarray(kmeans_plusplus(X, self.n_components, random_state=rng)[0])
        return np.asarray(X[rng.choice(len(X), self.n_components, replace=False)])

    def _check_parameters(self) -> None:
        for name in ("n_components", "min_size", "max_iter", "n_init"):
            _check_integer(name, getattr(self, name))
        if self.max_size is not None:
            _check_integer("max_size", self.max_size)
            if self.max_size < self.min_size:
                raise ValueError(
                    f"max_size={self.max_size} is below min_size={self.min_size}; raise it, or "
                    "leave it None for no bound."
                )
        for name in ("tol", "reg_covar"):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, Real)
                or not (0 <= float(value) < np.inf)
            ):
                raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}.")
        for name, choices in (
            ("covariance_type", COVARIANCE_TYPES),
            ("init_params", INITIALISATIONS),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {choices}, got {getattr(self, name)!r}.")

    def _check_sizes(self, n_samples: int) -> None:
        if self.min_size * self.n_components > n_samples:
            raise ValueError(
                f"{self.n_components} components of at least min_size={self.min_size} samples need "
                f"{self.min_size * self.n_components}, and X has n_samples={n_samples}; at most "
                f"{n_samples // self.min_size} components are possible."
            )
        if self.max_size is not None and self.max_size * self.n_components < n_samples:
            raise ValueError(
                f"{self.n_components} components of at most max_size={self.max_size} samples hold "
                f"{self.max_size * self.n_components}, and X has n_samples={n_samples}; use "
                "more components or a larger max_size."
            )

    def _log_joint(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = self._read(X, reset=False)
        return log_joint(X, self._mixture, self.covariance_type)

    @property
    def _mixture(self) -> Gaussians:
        return Gaussians(self.weights_, self.means_, self.covariances_, self.precisions_cholesky_)

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit the mixture and return `labels_`, which keep the bounds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Records.
        y : None
            Ignored.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        return self.fit(X).labels_

    def predict(self, X: Any) -> np.ndarray:
        """Return each record's most probable component, whatever the sizes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Records.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        return np.asarray(np.argmax(self._log_joint(X), axis=1))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the posterior probability of each component for each record.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Records.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_components)
        """
        joint = self._log_joint(X)
        return np.asarray(np.exp(joint - logsumexp(joint, axis=1, keepdims=True)))

    def score_samples(self, X: Any) -> np.ndarray:
        """Return each record's log density under the mixture.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Records.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
        """
        return np.asarray(logsumexp(self._log_joint(X), axis=1))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log density of the records.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Records.
        y : None
            Ignored.

        Returns
        -------
        score : float
        """
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Draw records from the mixture.

        Parameters
        ----------
        n_samples : int, default=1
            Number of records; 0 gives none.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            In the order of their components.
        labels : ndarray of shape (n_samples,)
            The component that each was drawn from.

        Raises
        ------
        ValueError
            If `n_samples` is not a non-negative integer.
        """
        check_is_fitted(self)
        if isinstance(n_samples, bool) or not isinstance(n_samples, Integral) or n_samples < 0:
            raise ValueError(f"n_samples must be a non-negative integer, got {n_samples!r}.")
        rng = check_random_state(self.random_state)
        sizes = rng.multinomial(n_samples, self.weights_)
        labels = np.repeat(np.arange(self.n_components), sizes)
        deviations = draw_deviations(labels, self._mixture, self.covariance_type, rng)
        return self.means_[labels] + deviations, labels


def _check_integer(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}.")
