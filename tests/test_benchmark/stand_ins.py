"""Methods for the tests: what they give is known."""

import os
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator


class Copies:
    """Returns the rows it was fitted on, so that nothing is lost."""

    def fit(self, X):
        self.rows_ = X
        return self

    def sample(self, n_samples):
        return self.rows_.iloc[np.arange(n_samples) % len(self.rows_)]


class Constant(BaseEstimator):
    """Repeats one row."""

    def __init__(self, epsilon=1.0, delta=0.5, position=0):
        self.epsilon, self.delta, self.position = epsilon, delta, position

    def fit(self, X):
        self.row_ = X.iloc[[self.position]]

    def sample(self, n_samples, random_state=None):
        assert isinstance(random_state, int)
        return pd.concat([self.row_] * n_samples)


class Shuffled(BaseEstimator):
    """Permutes every column on its own: one-way marginals are right, all others are not."""

    def __init__(self, epsilon=1.0, delta=1e-6, schema=None):
        self.epsilon, self.delta, self.schema = epsilon, delta, schema

    def fit(self, X):
        warnings.warn("shuffled\nrows", UserWarning, stacklevel=2)
        self.rows_ = X
        return self

    def sample(self, n_samples, *, random_state=None):
        rng = np.random.default_rng(random_state)
        return pd.DataFrame({name: rng.permutation(self.rows_[name]) for name in self.rows_})


class Failing(Copies):
    def fit(self, X):
        raise RuntimeError("no rows,\nno fit")


class SometimesFailing(Copies):
    """Fails below ε = 1."""

    def __init__(self, epsilon):
        self.epsilon = epsilon

    def fit(self, X):
        if self.epsilon < 1:
            raise ValueError("the budget is too small")
        return super().fit(X)


class TooFew(Copies):
    def sample(self, n_samples):
        return super().sample(n_samples - 1)


class Narrow(Copies):
    def sample(self, n_samples):
        return super().sample(n_samples).drop(columns="city")


class Crashing(Copies):
    def fit(self, X):
        os._exit(3)


class Sleeping(Copies):
    def fit(self, X):
        time.sleep(600)


class NoSample:
    def fit(self, X):
        return self
