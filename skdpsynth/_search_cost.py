"""total_privacy_cost: what a search for hyper-parameters would have spent on private rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import (
    KFold,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
    check_cv,
)
from sklearn.utils.validation import check_is_fitted

from ._base import BaseSynthesizer
from ._parameters import is_auto, is_number
from .pipeline import drafts_schema, leaf_steps, learns_from_rows
from .privacy import (
    GaussianEvent,
    PrivacySpent,
    Purchase,
    RepeatedFit,
    compose_fits,
    describe_purchases,
    price,
    unite_purchases,
)
from .schema import purchases_of

__all__ = ["SearchCost", "total_privacy_cost"]


@dataclass(frozen=True)
class SearchCost(PrivacySpent):
    """What all fits of a search spend together; not a guarantee for what the search returns.

    It has the attributes of `PrivacySpent` and

    Parameters
    ----------
    n_fits : int
        Fits made: one per candidate and split, and the refit.
    """

    n_fits: int = 0

    @property
    def is_private(self) -> bool:
        """Always False: the scores of held-out rows, and the choice by them, are not covered."""
        return False

    def __repr__(self) -> str:
        return super().__repr__().replace("PrivacySpent(", f"SearchCost(n_fits={self.n_fits}, ", 1)


def total_privacy_cost(search: Any, delta: float | None = None) -> SearchCost:
    r"""Return what the fits of a finished search spend together if its rows are private.

    Every candidate is fitted once per split, and the best one again on all rows. A search on public
    proxy rows costs nothing: this is the number that says why to do that.

    Parameters
    ----------
    search : GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV or the like
        Fitted; over a synthesizer, or a pipeline whose last step is one.
    delta : float in (0, 1), default=None
        The δ to compute ε for. By default the sum of those of the fits, at which ε is at most the
        sum of theirs.

    Returns
    -------
    SearchCost
        With `epsilon`, `delta`, `adjacency`, `n_fits` and `notes`. Its `purchase` is what the
        schemas of all candidates were bought for, those that were not chosen included, each
        purchase once. Its `is_private` is False
        whatever the numbers: the scores on held-out rows, which the search keeps and chooses by,
        have no noise.

    Raises
    ------
    TypeError
        If `search` is not a search, or not one over a synthesizer.
    NotFittedError
        If it is not fitted.
    ValueError
        If nothing can be proved about its splits, see Notes, or the candidates differ in adjacency.

    Notes
    -----
    *Which fits see a row.* Call the distance of a fit the number of rows by which its training set
    changes when the whole table changes by one. With the folds of all other rows fixed, a row of
    fold j is in the training sets of the k − 1 other folds: k − 1 fits of each candidate have
    distance one and the fit that is tested on the row has distance zero, since a fit does not
    score. That the folds of the others are fixed has to be shown:

    - Under ``"replace_one"`` `KFold`, shuffled or not, sees only positions, which replacing a row
      leaves as they are. `RepeatedKFold` is as many of them; of `ShuffleSplit`, `TimeSeriesSplit`
      and lists of indices all splits count whose training sets hold the row in question, at worst.
    - `PredefinedSplit`, with labels that were drawn or written row by row, is fixed under either
      adjacency: a row that is added brings its label. Rows with label −1 are in all training sets.
    - Under ``"add_remove"`` one row more moves the boundaries of `KFold` without shuffling. Let the
      row be in fold f, and let e be the fold that becomes larger. Nothing else happens if e = f.
      Otherwise each boundary between the two moves by one row: the training set of f gains one row,
      that of e gains the new row and loses another, those in between gain two and lose one, and all
      others gain the new row. Distances are 1, 2, 3 and 1, at worst 1, 3, …, 3, 2.
    - Shuffled by a generator nobody knows (``random_state=None``), draw the folds of the smaller
      table, and put the new row in fold f in exchange for a random one, which goes to fold e: both
      tables have uniformly random folds. Distances are 1, 2 and k − 2 times 1. Mixing over the draw
      keeps the bound, because divergences are jointly convex. A known seed gives other folds to all
      rows: an error.
    - Stratified and grouped folds depend on the values of all rows: an error.

    *Composition.* The fits' requests are composed exactly: as randomised responses or, where all
    releases are Gaussian, along the Gaussian curve (Dong, Roth & Su 2022, Corollary 3.3); of
    distance d as group privacy says. That all are Gaussian is read off the refitted synthesizer's
    ledger, and holds for candidates of this package that differ from it in numbers only: those
    change how much noise there is, and not its kind. DP-VI is left out, where the sampling rate,
    and so the noisy row count, decides whether batches are samples.

    References
    ----------
    Kairouz, Oh & Viswanath (2015), The composition theorem for differential privacy.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.model_selection import GridSearchCV, PredefinedSplit
    >>> from skdpsynth import Categorical, Count, DPMixtureSynthesizer, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99), "sick": Categorical(["no", "yes"])}, "sick")
    >>> private = pd.DataFrame({"age": [20, 70] * 100, "sick": ["no", "yes"] * 100})
    >>> folds = PredefinedSplit(np.random.default_rng(0).integers(0, 3, len(private)))
    >>> search = GridSearchCV(
    ...     DPMixtureSynthesizer(schema=schema), {"n_components": [2, 4, 6]}, cv=folds
    ... ).fit(private)
    >>> cost = total_privacy_cost(search, delta=1e-6)
    >>> cost.n_fits, round(cost.epsilon, 2)
    (10, 2.89)
    """
    candidates, refitted = _read_search(search)
    synthesizers = [_synthesizer_of(candidate) for candidate in candidates]
    adjacencies = {synthesizer.adjacency for synthesizer in synthesizers}
    if len(adjacencies) > 1:
        raise ValueError(
            f"The candidates differ in adjacency, {sorted(adjacencies)}: their costs do not add up."
        )
    adjacency = adjacencies.pop()
    distances = _distances(search, adjacency)
    fits = [
        RepeatedFit(float(synthesizer.epsilon), float(synthesizer.delta), distance)
        for synthesizer in synthesizers
        for distance in distances
    ]
    n_fits = len(candidates) * search.n_splits_
    if refitted is not None:
        best = _synthesizer_of(refitted)
        fits.append(RepeatedFit(float(best.epsilon), float(best.delta)))
        n_fits += 1
    all_gaussian = refitted is not None and _are_all_gaussian(synthesizers, best)
    epsilon, delta = compose_fits(fits, delta, all_gaussian=all_gaussian)
    spent = getattr(refitted, "privacy_spent_", None)
    known = refitted.ledger_.purchases if hasattr(refitted, "ledger_") else ()
    purchases = unite_purchases(known, *(_purchases_of(candidate) for candidate in candidates))
    notes = [note for note in getattr(spent, "notes", ()) if not _tells(note, known)]
    if purchases:
        notes.append(describe_purchases(purchases))
    return SearchCost(
        epsilon=epsilon,
        delta=delta,
        adjacency=adjacency,
        secure_noise=all(getattr(s, "random_state", None) is None for s in synthesizers),
        public_schema=getattr(spent, "public_schema", True)
        and not any(_learns_from_rows(candidate) for candidate in candidates)
        and all(purchase.is_private for purchase in purchases),
        claim=getattr(spent, "claim", None),
        notes=(
            "the scores on held-out rows, and the choice made by them, are not covered",
            *notes,
        ),
        purchase=price(purchases, adjacency) if purchases else None,
        n_fits=n_fits,
    )


def _read_search(search: Any) -> tuple[list[Any], Any]:
    """Return one unfitted estimator per candidate, and the refitted one or None."""
    needed = ("estimator", "cv", "refit", "fit", "get_params")
    if isinstance(search, type) or not all(hasattr(search, name) for name in needed):
        kind = search.__name__ if isinstance(search, type) else type(search).__name__
        raise TypeError(
            f"total_privacy_cost needs a fitted search such as GridSearchCV, got {kind}."
        )
    check_is_fitted(search, ["cv_results_", "n_splits_"])
    candidates = [
        clone(search.estimator).set_params(**clone(parameters, safe=False))
        for parameters in search.cv_results_["params"]
    ]
    return candidates, getattr(search, "best_estimator_", None)


def _purchases_of(candidate: Any) -> tuple[Purchase, ...]:
    """Return what was paid for the schemas that a candidate was fitted with."""
    return purchases_of(candidate.get_params(deep=True))


def _learns_from_rows(candidate: Any) -> bool:
    """Whether a candidate, or a step before the synthesizer, reads from the rows at no charge."""
    steps = getattr(candidate, "steps", [("", candidate)])
    return drafts_schema(steps) or any(learns_from_rows(step) for _, step in leaf_steps(steps[:-1]))


def _tells(note: str, purchases: tuple[Purchase, ...]) -> bool:
    return bool(purchases) and note == describe_purchases(purchases)


def _synthesizer_of(estimator: Any) -> Any:
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    if not all(hasattr(last, name) for name in ("epsilon", "delta", "adjacency")):
        raise TypeError(
            f"The search is over {type(last).__name__}, which has no epsilon, delta and adjacency; "
            "only the cost of synthesizers, and of pipelines that end in one, is known."
        )
    return last


def _distances(search: Any, adjacency: str) -> list[int]:
    """Return by how many rows training sets change with one row, of the splits that change."""
    splitter = check_cv(search.cv, classifier=is_classifier(search.estimator))
    n_splits = search.n_splits_
    replaces = adjacency == "replace_one"
    subsamples = getattr(search, "resource", None) == "n_samples"
    if type(splitter) is PredefinedSplit and (replaces or not subsamples):
        in_all = bool(np.any(np.asarray(splitter.test_fold) == -1))
        return [1] * (n_splits if in_all else n_splits - 1)
    if replaces and type(splitter) is KFold:
        return [1] * (n_splits - 1)
    if replaces and type(splitter) is RepeatedKFold:
        return [1] * (n_splits - splitter.n_repeats)
    if replaces and (type(splitter) in (ShuffleSplit, TimeSeriesSplit) or _is_list(search.cv)):
        return [1] * n_splits
    if type(splitter) is KFold and not subsamples:
        if not splitter.shuffle:
            return [1, *[3] * (n_splits - 2), 2]
        if splitter.random_state is None:
            return [1] * (n_splits - 1) + [2]
    if type(splitter) is RepeatedKFold and not subsamples and splitter.random_state is None:
        folds = n_splits // splitter.n_repeats
        return ([1] * (folds - 1) + [2]) * splitter.n_repeats
    raise ValueError(
        f"Nothing can be proved about the splits of {splitter} under adjacency={adjacency!r}: one "
        "row may change the folds of any number of others. Fix the fold of every row beforehand, "
        "with cv=PredefinedSplit(np.random.default_rng().integers(0, 5, len(X)))."
    )


def _is_list(cv: Any) -> bool:
    return isinstance(cv, list | tuple)


def _are_all_gaussian(synthesizers: list[Any], best: Any) -> bool:
    """Whether all fits release what the refitted one did, as far as the kind of noise goes."""
    if not isinstance(best, BaseSynthesizer) or getattr(best, "inference", None) == "dpvi":
        return False
    if not all(isinstance(event, GaussianEvent) for event in best.ledger_.events):
        return False
    expected = best.get_params(deep=False)
    return all(
        type(synthesizer) is type(best)
        and _differ_in_numbers(synthesizer.get_params(deep=False), expected)
        for synthesizer in synthesizers
    )


def _differ_in_numbers(parameters: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    return all(
        value is expected[name]
        or (_is_setting(value) and _is_setting(expected[name]))
        or bool(np.all(value == expected[name]))
        for name, value in parameters.items()
    )


def _is_setting(value: Any) -> bool:
    return is_auto(value) or is_number(value)
