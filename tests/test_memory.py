"""Too little memory: a fit fails, whole, and leaves nothing behind."""

import os
import subprocess
import sys
import textwrap

import pytest

from skdpsynth._fitting import whole_or_not_at_all

resource = pytest.importorskip("resource")

CAPPED = """
    import resource, sys
    import jax, numpy as np, pandas as pd
    import skdpsynth
    from skdpsynth import Count, TableSchema

    rng = np.random.default_rng(0)
    table = pd.DataFrame({f"c{j}": rng.integers(0, 50, 200_000) for j in range(20)})
    schema = TableSchema({name: Count(0, 49) for name in table})
    synth = getattr(skdpsynth, sys.argv[1])(schema=schema, epsilon=3.0)
    if sys.argv[2] == "fitted":
        synth.fit(table.head(500))
        synth.save("synth")
    before = dict(vars(synth))
    in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + int(sys.argv[3]) * 2**20,) * 2)
    try:
        synth.fit(table)
    except MemoryError:
        assert vars(synth).keys() == before.keys()
        assert all(vars(synth)[name] is value for name, value in before.items())
        print("MemoryError")
    else:
        print("fitted")
        synth.save("synth")
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("name", "state", "megabytes"),
    [
        ("NapsuMQSynthesizer", "fitted", 20),
        ("ClustMixSynthesizer", "new", 20),
        ("DPMixtureSynthesizer", "new", 70),
    ],
)
def test_a_fit_beyond_the_memory_limit_leaves_the_estimator_and_the_disk(
    tmp_path, name, state, megabytes
):
    command = [sys.executable, "-c", textwrap.dedent(CAPPED), name, state, str(megabytes)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    # XLA ends the process where it cannot have a thread's memory
    is_aborted = done.returncode < 0 and "Traceback" not in done.stderr
    assert is_aborted or done.returncode == 0, done.stderr
    if megabytes == 20:
        assert done.stdout == "MemoryError\n", done.stderr
    # a model that is there is whole
    names = [path.name for path in tmp_path.iterdir()]
    has_model = state == "fitted" or done.stdout == "fitted\n"
    assert names == (["synth"] if has_model else [])


class Estimator:
    """Sets attributes, and fails."""

    def __init__(self):
        self.parameter = 1

    @whole_or_not_at_all
    def fit(self, error):
        """Fit."""
        self.parameter = 2
        self.mean_ = 2.0
        if error is not None:
            raise error
        return self


@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), KeyboardInterrupt()])
def test_a_fit_that_fails_leaves_all_attributes_as_they_were(error):
    estimator = Estimator()
    with pytest.raises(type(error)):
        estimator.fit(error)
    assert vars(estimator) == {"parameter": 1}
    assert estimator.fit(None) is estimator
    fitted = dict(vars(estimator))
    assert fitted == {"parameter": 2, "mean_": 2.0}
    with pytest.raises(type(error)):
        estimator.fit(error)
    assert vars(estimator) == fitted
    assert Estimator.fit.__doc__ == "Fit."
