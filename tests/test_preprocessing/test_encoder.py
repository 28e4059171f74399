import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdpsynth.preprocessing import TableEncoder


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.PrivacyLeakWarning")
@parametrize_with_checks([TableEncoder()])
def test_follows_the_conventions_of_scikit_learn(estimator, check):
    check(estimator)
