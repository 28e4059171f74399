from pathlib import Path

import click
import pytest

from skdpsynth import (
    ClustMixSynthesizer,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    NumPyroSynthesizer,
)
from skdpsynth._catalogue import METHODS
from skdpsynth._cli._methods import APPLIES, OWN_OPTIONS, FitOptions, make_synthesizer
from skdpsynth._cli._user_code import UserCode

from .conftest import SCHEMA

PLAIN = FitOptions(
    method="mixture",
    epsilon=0.5,
    delta=1e-7,
    adjacency="replace_one",
    schema=Path("schema.json"),
    target=None,
    k=None,
    inference=None,
    queries=None,
    num_epochs=None,
    sampling_ratio=None,
    clipping_threshold=None,
    model_file=None,
    parameter=(),
    drop_na=False,
    insecure_noise_seed=None,
)


def model(x=None, num_obs_total=None):
    pass


def make(code=UserCode(), **changes):  # noqa: B008
    return make_synthesizer(FitOptions(**{**vars(PLAIN), **changes}), SCHEMA, code)


@pytest.mark.parametrize(
    ("method", "synthesizer"),
    [
        ("mixture", DPMixtureSynthesizer),
        ("napsu", NapsuMQSynthesizer),
        ("clustmix", ClustMixSynthesizer),
    ],
)
def test_defaults_are_those_of_the_synthesizer(method, synthesizer):
    expected = synthesizer(epsilon=0.5, delta=1e-7, adjacency="replace_one", schema=SCHEMA)
    made = make(method=method)
    assert type(made) is synthesizer
    assert made.get_params() == expected.get_params()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"k": 7}, {"n_components": 7, "inference": "moments"}),
        ({"k": 7, "method": "clustmix"}, {"n_clusters": 7}),
        ({"inference": "map", "method": "napsu"}, {"inference": "map"}),
        ({"queries": "star", "method": "napsu"}, {"queries": "star"}),
        (
            {"num_epochs": 5, "sampling_ratio": 0.03},
            {"n_steps": 167, "sampling_rate": 0.03, "inference": "dpvi"},
        ),
        ({"num_epochs": 1, "sampling_ratio": 1.0}, {"n_steps": 1}),
        ({"clipping_threshold": 2.0}, {"clipping_norm": 2.0, "inference": "dpvi"}),
        (
            {"parameter": ("n_passes=4", "n_bins=auto", "engine=jax")},
            {"n_passes": 4, "n_bins": "auto", "engine": "jax"},
        ),
        (
            {"parameter": ('bins={"age": [0, 50, 99]}',), "method": "napsu"},
            {"bins": {"age": [0, 50, 99]}},
        ),
    ],
)
def test_options_become_parameters(changes, expected):
    parameters = make(**changes).get_params()
    assert {name: parameters[name] for name in expected} == expected


def test_files_become_parameters(folder):
    (folder / "model.txt").write_text("age: Poisson\n")
    (folder / "star").write_text("age, ill\nvisits\n")
    assert make(model_file=Path("model.txt")).distributions == {"age": "poisson"}
    # a file goes before a strategy of the same name
    made = make(method="napsu", queries="star")
    assert made.queries == [("age", "ill"), ("visits",)]
    own = make(UserCode(Path("m.py"), model), model_file=Path("m.py"), method="numpyro")
    assert type(own) is NumPyroSynthesizer
    assert (own.model, own.guide) == (model, None)
    plain = make(UserCode(Path("m.py"), postprocess=model), model_file=Path("m.py"))
    assert (plain.distributions, plain.inference) == (None, "moments")


def test_noise_is_fixed_by_the_insecure_seed_only(capsys):
    assert make().random_state is None
    assert make(insecure_noise_seed=3).random_state == 3
    assert "marked as not private" in capsys.readouterr().err


def test_bars_on_a_terminal_only(monkeypatch):
    assert make().verbose == 0
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert make().verbose == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "napsu", "k": 3}, "--k is for --method mixture or clustmix; napsu has no"),
        ({"method": "clustmix", "inference": "map"}, "napsu; clustmix has no choice of inference"),
        ({"inference": "nuts"}, "not for --method mixture, which has moments, dpvi"),
        ({"queries": "star"}, "--queries is for --method napsu; mixture has no marginal queries"),
        ({"method": "napsu", "sampling_ratio": 0.1}, "--sampling-ratio is for --method mixture"),
        ({"method": "clustmix", "num_epochs": 2}, "--num-epochs is for --method mixture"),
        ({"method": "napsu", "clipping_threshold": 1.0}, "napsu has no gradients to clip"),
        ({"num_epochs": 2}, "--num-epochs needs --sampling-ratio too"),
        (
            {"num_epochs": 2, "sampling_ratio": 0.1, "inference": "moments"},
            "--num-epochs needs --inference dpvi",
        ),
        ({"method": "napsu", "model_file": Path("m.txt")}, "which is for --method mixture"),
        ({"method": "numpyro", "model_file": Path("m.txt")}, "which is for --method mixture"),
        ({"method": "numpyro"}, "--method numpyro needs a model of your own: --model-file FILE.py"),
        ({"parameter": ("epsilon=3",)}, "--parameter epsilon: use --epsilon"),
        ({"parameter": ("n_clusters=3",)}, "--parameter n_clusters: use --k"),
        ({"parameter": ("n_bons=3",)}, "expected NAME=VALUE, where NAME is one of .*'n_bins'"),
        ({"parameter": ("n_bins",)}, "expected NAME=VALUE"),
    ],
)
def test_options_that_do_not_apply(changes, message):
    with pytest.raises(click.UsageError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": 2}, "--k is for --method mixture or clustmix; numpyro has no components"),
        ({"inference": "dpvi"}, "numpyro has no choice of inference"),
        ({"method": "napsu"}, "which is for --method numpyro"),
        ({"method": "mixture"}, "which is for --method numpyro"),
    ],
)
def test_options_that_do_not_go_with_a_model(changes, message):
    with pytest.raises(click.UsageError, match=message):
        make(
            UserCode(Path("m.py"), model),
            **{"model_file": Path("m.py"), "method": "numpyro", **changes},
        )


def test_gradient_steps_of_a_model():
    own = make(
        UserCode(Path("m.py"), model, model),
        model_file=Path("m.py"),
        method="numpyro",
        num_epochs=5,
        sampling_ratio=0.03,
        clipping_threshold=2.0,
    )
    assert (own.n_steps, own.sampling_rate, own.clipping_norm) == (167, 0.03, 2.0)
    assert own.guide is model


def test_every_parameter_has_one_way_to_be_set():
    own = UserCode(Path("m.py"), model)
    for method in METHODS:
        code = own if method == "numpyro" else UserCode()
        parameters = set(make(code, method=method).get_params(deep=False))
        assert {"epsilon", "delta", "adjacency", "schema", "random_state", "verbose"} <= parameters
        assert set(OWN_OPTIONS) >= parameters & set(FitOptions.__annotations__)
    assert set(APPLIES) <= set(FitOptions.__annotations__)
