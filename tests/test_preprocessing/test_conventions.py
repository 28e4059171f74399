import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdpsynth.preprocessing import BoundedDiscretizer, MissingnessEncoder, TableEncoder


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.PrivacyLeakWarning")
@parametrize_with_checks([TableEncoder(), BoundedDiscretizer(random_state=0), MissingnessEncoder()])
def test_follows_the_conventions_of_scikit_learn(estimator, check):
    check(estimator)
