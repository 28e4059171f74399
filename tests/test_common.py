"""Every estimator of the package against the conventions of scikit-learn."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdpsynth.utils import all_estimators

# the smallest settings that still go through all of the code
SETTINGS = {"n_components": 2, "n_passes": 2, "n_bins": 8, "random_state": 0}


def estimators():
    """One small instance of everything that has a fit."""
    for _, cls in all_estimators():
        if hasattr(cls, "fit"):
            names = cls().get_params()
            yield cls(**{name: value for name, value in SETTINGS.items() if name in names})


def test_nothing_escapes():
    names = [name for name, _ in all_estimators()]
    assert {
        "BoundedDiscretizer",
        "DPMixtureSynthesizer",
        "NapsuMQSynthesizer",
        "TSTRScorer",
        "TableEncoder",
    } <= set(names)
    assert "BaseSynthesizer" not in names
    assert names == sorted(set(names))
    # a scorer is configured like an estimator but fits nothing
    assert [name for name, cls in all_estimators() if not hasattr(cls, "fit")] == ["TSTRScorer"]


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.PrivacyLeakWarning")
@parametrize_with_checks(list(estimators()))
def test_follows_the_conventions_of_scikit_learn(estimator, check):
    check(estimator)
