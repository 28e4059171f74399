"""After fit, nothing that anybody can get hold of has a value of a row or an exact count."""

import contextlib
import functools
import io
import logging
import pickle
import random
import warnings
import zipfile
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from estimators import all_estimators
from own_models import IndependentColumns

from skdpsynth import Categorical, Continuous, Count, TableSchema, _base
from skdpsynth._base import BaseSynthesizer
from skdpsynth.privacy import Mechanisms

from .audit import faults
from .audit.leaks import Canaries, find_leaks, global_state, reachable

# Two numbers planted in many rows and in one, and a text that no level has but in rare rows.
COMMON, ONCE = 61.803398874989, 27.1828182845904
N_ROWS, N_COMMON = 1237, 619
LOW, HIGH = 0.0, 97.0
SCHEMA = TableSchema(
    {
        "age": Count(17, 90),
        "pay": Continuous(LOW, HIGH, nullable=True),
        "town": Categorical(["a", "b", "(other)"], other="(other)"),
        "sick": Categorical(["no", "yes"]),
    },
    target="sick",
)
TEXT = "Canary-upon-Tyne"


# vectors to some mechanisms: neither missing values nor levels beside the target
NUMBERS = TableSchema(
    {"pay": Continuous(LOW, HIGH), "rent": Continuous(0, 1), "sick": SCHEMA["sick"]}, target="sick"
)


def make_table(name=""):
    rng = np.random.default_rng(3)
    pay = rng.uniform(LOW, HIGH, N_ROWS)
    pay[:N_COMMON], pay[-1] = COMMON, ONCE
    town = rng.choice(["a", "b"], N_ROWS).astype(object)
    town[rng.random(N_ROWS) < 0.1] = TEXT
    sick = np.where(rng.random(N_ROWS) < 0.4, "yes", "no")
    age = rng.integers(17, 91, N_ROWS)
    if name.endswith("continuous"):
        return pd.DataFrame({"pay": pay, "rent": rng.random(N_ROWS), "sick": sick})
    return pd.DataFrame({"age": age, "pay": pay, "town": town, "sick": sick})


def canaries_of(table, adjacency):
    codes = [(value - LOW) / (HIGH - LOW) for value in (COMMON, ONCE)]
    levels = [table[name].value_counts() for name in ("town", "sick") if name in table]
    counts = {N_COMMON, *(int(count) for column in levels for count in column)}
    if adjacency == "add_remove":
        counts |= {N_ROWS, N_ROWS - 1}
    values = (COMMON, ONCE, *codes, *(2 * code - 1 for code in codes))
    texts = (TEXT, *(f"{value:.6f}"[:7] for value in (COMMON, ONCE)))
    return Canaries(values, tuple(sorted(counts)), texts)


# what the estimators are fitted with; one that is new is fitted as it comes
SETTINGS = {
    "DPMixtureSynthesizer": {
        "moments": {"n_components": 4, "n_passes": 2, "n_bins": 8},
        "dpvi": {"inference": "dpvi", "n_components": 2, "n_steps": 3, "sampling_rate": 0.2},
    },
    "NapsuMQSynthesizer": {
        "auto": {"inference": "map", "n_bins": 8},
        "tree": {"queries": "tree", "n_bins": 4},
    },
    "ClustMixSynthesizer": {
        "blocks": {"mode": "blocks", "sigma_max": 1.0},
        "continuous": {"mode": "continuous", "schema": NUMBERS, "sigma_max": 1.0},
    },
    "NumPyroSynthesizer": {
        "own model": {
            "model": IndependentColumns.of(SCHEMA),
            "n_steps": 3,
            "sampling_rate": 0.2,
        },
        "no model": {"n_steps": 3, "sampling_rate": 0.2},
    },
}
SYNTHESIZERS = {
    f"{name}, {variant}": functools.partial(cls, **{"schema": SCHEMA, **parameters})
    for name, cls in all_estimators()
    if issubclass(cls, BaseSynthesizer)
    for variant, parameters in SETTINGS.get(name, {"defaults": {}}).items()
}


class Seen(logging.Handler):
    """Keeps all that is logged."""

    def __init__(self):
        super().__init__(level=1)
        self.texts = []

    def emit(self, record):
        self.texts.append(f"{record.getMessage()} {record.args!r}")


def watch(run):
    """Return a result, and all that is printed, logged by the package, or a warning."""
    seen, root, printed = Seen(), logging.getLogger("skdpsynth"), io.StringIO()
    level = root.level
    root.addHandler(seen)
    root.setLevel(1)
    try:
        with (
            warnings.catch_warnings(record=True) as caught,
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            warnings.simplefilter("always")
            result = run()
    finally:
        root.removeHandler(seen)
        root.setLevel(level)
    return result, [printed.getvalue(), *seen.texts, *(str(w.message) for w in caught)]


# under replace-one only the row count is treated in another way, and by the same code for all
FITTED = [(name, "add_remove") for name in SYNTHESIZERS]
FITTED += [
    ("ClustMixSynthesizer, blocks", "replace_one"),
    ("NapsuMQSynthesizer, auto", "replace_one"),
]


@pytest.fixture(scope="module", params=FITTED, ids=", ".join)
def fits(request):
    """Two fits with different noise: what both have in one place is no accident."""
    name, adjacency = request.param
    table = make_table(name)
    fitted = []
    for seed in (1, 2):
        synthesizer = SYNTHESIZERS[name](
            adjacency=adjacency, epsilon=0.5, random_state=seed, verbose=1
        )
        fitted.append(watch(lambda synthesizer=synthesizer: synthesizer.fit(table)))
    return fitted, canaries_of(table, adjacency)


def both(fits, look):
    """Return what is found in both fits: a noisy count is exact by chance in one of them."""
    fitted, canaries = fits
    first, second = (look(*pair, canaries) for pair in fitted)
    return {path: leak for path, leak in first.items() if second.get(path) == leak}


def test_nothing_reachable_is_private(fits):
    assert both(fits, lambda model, _, canaries: find_leaks(model, canaries)) == {}


def test_no_text_is_private(fits):
    def look(model, messages, canaries):
        texts = {
            "repr": repr(model),
            "html": model._repr_html_(),
            "spent": repr(model.privacy_spent_),
            "ledger": repr(model.ledger_),
            "frame": model.ledger_.to_frame().to_string(),
            "attributes": str(vars(model)),
            "messages": "\n".join(messages),
        }
        found = {name: canaries.in_text(text) for name, text in texts.items()}
        return {name: leak for name, leak in found.items() if leak}

    assert both(fits, look) == {}


def test_no_pickle_and_no_file_is_private(fits, tmp_path):
    def look(model, _, canaries):
        path = tmp_path / f"{model.random_state}.skdpsynth"
        model.save(path)
        parts = {"pickle": pickle.dumps(model), "file": path.read_bytes()}
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                parts.update({name: archive.read(name) for name in archive.namelist()})
        found = {name: canaries.in_bytes(data) for name, data in parts.items()}
        for name, data in parts.items():
            if name.endswith(".json"):
                found[f"text of {name}"] = canaries.in_text(data.decode())
        return {name: leak for name, leak in found.items() if leak}

    assert both(fits, look) == {}


def test_modules_remember_nothing():
    """Neither do caches, of arguments and of results; fits of every kind have gone before."""
    for name, make in SYNTHESIZERS.items():
        table = make_table(name)
        watch(lambda make=make, table=table: make(random_state=1).fit(table))
    values = canaries_of(table, "add_remove").values
    # not counts: the constants of modules include small integers
    assert find_leaks(global_state("skdpsynth"), Canaries(values, (), (TEXT,))) == {}


# From the release on, an exception speaks of noisy quantities only


def fitted_at(desk):
    """Give fits another desk."""
    return mock.patch.object(_base, "Mechanisms", desk)


# a model of one's own has one statistic, the row count: the sums of its steps stay in the kernel
SECOND = [name for name in SYNTHESIZERS if not name.startswith("NumPyroSynthesizer")]


@pytest.mark.parametrize(
    ("name", "position"), [*((name, 0) for name in SYNTHESIZERS), *((name, 1) for name in SECOND)]
)
def test_exceptions_quote_no_row(name, position):
    """A statistic that is not finite, in the first release or the second."""
    table = make_table(name)
    calls = []

    class Spoilt(Mechanisms):
        def gaussian(self, statistic, **options):
            calls.append(options["name"])
            broken = np.array(statistic, dtype=float)
            broken.flat[0] = np.nan if len(calls) == position + 1 else broken.flat[0]
            return super().gaussian(broken, **options)

    synthesizer = SYNTHESIZERS[name](random_state=1)
    with fitted_at(Spoilt), pytest.raises(ValueError, match="not finite") as caught:
        synthesizer.fit(table)
    assert not hasattr(synthesizer, "model_")
    canaries = canaries_of(table, "add_remove")
    assert [text for text in texts_of(caught.value) if canaries.in_text(text)] == []


@pytest.mark.parametrize("name", SYNTHESIZERS)
def test_an_interrupted_fit_changes_nothing(name):
    """Not yet fitted, it stays so; fitted before, it stays as it was."""
    table = make_table(name)

    class Interrupted(Mechanisms):
        def gaussian(self, statistic, **options):
            if self._ledger.entries:
                raise KeyboardInterrupt
            return super().gaussian(statistic, **options)

        def subsampled_gaussian(self, **options):
            raise KeyboardInterrupt

    for is_fitted in (False, True):
        synthesizer = SYNTHESIZERS[name](random_state=1)
        if is_fitted:
            synthesizer.fit(table)
        before = dict(vars(synthesizer))
        with fitted_at(Interrupted), pytest.raises(KeyboardInterrupt):
            synthesizer.fit(table.drop(columns="sick"), table["sick"])
        assert vars(synthesizer).keys() == before.keys()
        assert all(vars(synthesizer)[key] is value for key, value in before.items())
        assert hasattr(synthesizer, "model_") == is_fitted


def test_without_a_seed_global_random_state_is_left_alone():
    before = random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    for name, make in SYNTHESIZERS.items():
        table = make_table(name)
        model = watch(lambda make=make, table=table: make().fit(table))[0]
        assert model.privacy_spent_.secure_noise
        model.sample(5)
        if getattr(model, "inference", None) != "map":
            next(model.sample_datasets(1, 5))
    assert before == (random.getstate(), np.random.get_state()[1].tobytes())  # noqa: NPY002


def test_too_many_clusters_are_refused_by_noisy_counts():
    table = make_table()
    make = SYNTHESIZERS["ClustMixSynthesizer, blocks"]
    with pytest.raises(ValueError, match="clusters of at least 20 records are possible") as caught:
        make(random_state=1, n_clusters=10**6).fit(table)
    canaries = canaries_of(table, "add_remove")
    assert [text for text in texts_of(caught.value) if canaries.in_text(text)] == []


def texts_of(error):
    while error is not None:
        yield f"{error} {error!r} {error.args!r}"
        error = error.__cause__ or error.__context__


# The walk finds what there is to find


class Holder:
    __slots__ = ("hidden",)

    def __init__(self, hidden):
        self.hidden = hidden


def test_the_walk_looks_everywhere():
    canaries = Canaries((COMMON,), (N_ROWS,), (TEXT,))
    rows = np.array([1.0, COMMON, 2.0])

    @functools.lru_cache(maxsize=2)
    def cached(value):
        return value

    cached(COMMON)

    def closure():
        return rows

    hiding_places = {
        "attribute": type("Object", (), {})(),
        "slot": Holder(COMMON),
        "closure": closure,
        "default": lambda value=COMMON: value,
        "partial": functools.partial(print, COMMON),
        "cache": cached,
        "view": rows[:1],
        "key": {COMMON: 1},
        "object array": np.array([None, COMMON], dtype=object),
        "bound method": Holder(COMMON).__init__,
        "single precision": np.float32(COMMON),
        "length": np.zeros(N_ROWS),
        "count": [0, N_ROWS],
        "text": f"row of {TEXT}",
        "number in a text": f"{N_ROWS} rows",
        "frame": pd.DataFrame({"a": [1]}),
        "bytes": np.array([COMMON]).tobytes(),
    }
    hiding_places["attribute"].inner = {"deep": [COMMON]}
    for place, value in hiding_places.items():
        assert find_leaks([value], canaries), place
    assert find_leaks([1.0, "rows", np.zeros(5), Holder(2)], canaries) == {}
    assert len(list(reachable(hiding_places))) > len(hiding_places)


def test_a_row_count_that_is_kept_is_found():
    table = make_table()
    make = SYNTHESIZERS["DPMixtureSynthesizer, moments"]
    with fitted_at(faults.ExactRowCount):
        model = make(random_state=1).fit(table)
    leaks = find_leaks(model, canaries_of(table, "add_remove"))
    assert any("the count 1237" in leak for leak in leaks.values())
