import pytest
from sklearn.ensemble import RandomForestClassifier

from skdpsynth import DPMixtureSynthesizer, NapsuMQSynthesizer
from skdpsynth.benchmark._methods import describe, make_synthesizer, read_methods

from .stand_ins import Constant, Copies, NoSample, Shuffled

BUDGET = {"epsilon": 0.5, "delta": 1e-5}


def test_names_classes_and_instances(schema):
    methods = read_methods("mixture, napsu")
    assert methods == {"mixture": DPMixtureSynthesizer, "napsu": NapsuMQSynthesizer}
    text = f"{Copies.__module__}:Copies"
    assert read_methods([text, Constant]) == {"Copies": Copies, "Constant": Constant}
    own = {"five": DPMixtureSynthesizer(n_components=5), "usual": "mixture"}
    assert list(read_methods(own)) == ["five", "usual"]


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ("mixtur", "'mixtur' is unknown. Choose among"),
        ("no_such_package:Name", "'no_such_package:Name' cannot be imported"),
        ("skdpsynth:Name", "'skdpsynth:Name' cannot be imported"),
        ("mixture,mixture", "'mixture' is given twice"),
        ({"real": "mixture"}, "'real' is the name of the real rows"),
        ({"x": NoSample}, "'x' has no sample"),
        ({"x": RandomForestClassifier}, "'x' has no sample"),
        ({"x": 3}, "'x' has no fit and no sample"),
        ([], "at least one method"),
    ],
)
def test_methods_that_make_no_sense(methods, message):
    with pytest.raises(ValueError, match=message):
        read_methods(methods)


def test_every_method_gets_what_it_takes(schema):
    assert isinstance(make_synthesizer(Copies, **BUDGET, schema=schema), Copies)
    constant = make_synthesizer(Constant, **BUDGET, schema=schema)
    assert (constant.epsilon, constant.delta, constant.position) == (0.5, 1e-5, 0)
    shuffled = make_synthesizer(Shuffled, **BUDGET, schema=schema)
    assert shuffled.schema == schema


def test_instances_are_copied_and_keep_their_settings(schema):
    own = DPMixtureSynthesizer(n_components=5)
    made = make_synthesizer(own, **BUDGET, schema=schema)
    assert (made.n_components, made.epsilon, made.delta) == (5, 0.5, 1e-5)
    assert made.schema == schema
    assert own.epsilon == 1.0

    class Plain(Copies):
        epsilon = 3.0

    plain = Plain()
    made = make_synthesizer(plain, **BUDGET, schema=schema)
    assert (made.epsilon, plain.epsilon) == (0.5, 3.0)
    assert not hasattr(made, "delta")


def test_keywords_of_any_name(schema):
    class Wrapper(Copies):
        def __init__(self, **settings):
            self.settings = settings

    assert make_synthesizer(Wrapper, **BUDGET, schema=schema).settings["epsilon"] == 0.5


def test_descriptions_tell_settings_apart():
    texts = [
        describe(m)
        for m in (DPMixtureSynthesizer, DPMixtureSynthesizer(), DPMixtureSynthesizer(n_passes=3))
    ]
    assert len(set(texts)) == 3
    assert texts[0].endswith(":DPMixtureSynthesizer")
    assert "n_passes=3" in texts[2]
