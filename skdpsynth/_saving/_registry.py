"""Everything that a saved file can hold; a class that is not listed here is never made.

A new synthesizer is one more line of `SYNTHESIZERS`, and each dataclass or named tuple that its
model consists of one more `Entry`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

from .._base import BaseSynthesizer
from .._histograms import Bins, FineGrid
from .._markov_network._binning import GroupedBins
from .._markov_network._contrasts import Variable
from .._markov_network._domain import Domain
from .._markov_network._marginals import Evidence
from .._markov_network._network import Network
from .._markov_network._tree import JunctionTree
from .._product_mixture._columns import ColumnModel
from .._product_mixture._estimates import ComponentEstimates
from .._product_mixture._layout import Block, Layout, Scalar
from .._product_mixture._model import MixtureModel
from ..clustmix import ClustMixSynthesizer
from ..clustmix._vectors._column_marginals import ColumnCells
from ..clustmix._vectors._continuous_model import ContinuousModel
from ..exceptions import SavedModelError
from ..mixture import DPMixtureSynthesizer, NumPyroSynthesizer
from ..mixture._dpvi._noisy_gradients import MeanFieldGuide
from ..mixture._own_model._fitted import CustomModel
from ..mixture._own_model._sites import Part
from ..mixture._own_model._unconstrained import CustomLatents, FunctionGuide, build_guide
from ..napsu import NapsuMQSynthesizer
from ..napsu._model import NapsuModel
from ..napsu._posterior import LaplacePosterior, PerturbedPosterior, SampledPosterior
from ..preprocessing import TableFormat
from ..privacy import Event, LedgerEntry, PrivacyLedger, PrivacySpent
from ..schema import Categorical, Continuous, Count, Ordinal, TableSchema
from ..schema._json import read_json
from . import _checks as checks
from ._conform import check_fields, field_hints

__all__ = ["CLASSES", "ENTRY_OF", "SYNTHESIZERS", "Entry", "Function", "Synthesizer"]


class Function(NamedTuple):
    """Stands for what `load` is passed under this name."""

    name: str


class SchemaState(NamedTuple):
    """A schema: its JSON text, and what it was bought for."""

    text: str
    ledger: PrivacyLedger | None


class LedgerState(NamedTuple):
    """A ledger: the request, the releases, and what is known of the noise and the schema."""

    epsilon: float
    delta: float
    adjacency: str
    entries: tuple[LedgerEntry, ...]
    sampler_loss: float
    sampler_tail: float
    secure_noise: bool
    public_schema: bool
    purchase: PrivacySpent | None
    claim: str | None
    known_loss: float | None


class GuideState(NamedTuple):
    """A guide that the user wrote; an automatic one is built again from its class."""

    guide: Callable[..., Any]
    latents: CustomLatents
    params: tuple[Part, ...]


def _take_schema(schema: TableSchema) -> dict[str, Any]:
    for name in schema:
        if isinstance(name, float) and not math.isfinite(name):
            raise ValueError(f"JSON has no column name {name!r}; rename the column")
    return {"text": schema.to_json(indent=None), "ledger": schema.ledger}


def _make_schema(text: str, ledger: PrivacyLedger | None) -> TableSchema:
    schema = TableSchema(*read_json(text))
    schema._ledger = ledger
    return schema


def _take_ledger(ledger: PrivacyLedger) -> dict[str, Any]:
    names = LedgerState._fields
    return {name: getattr(ledger, name, getattr(ledger, f"_{name}", None)) for name in names}


def _make_ledger(epsilon: float, delta: float, adjacency: str, **state: Any) -> PrivacyLedger:
    ledger = PrivacyLedger(epsilon, delta, adjacency)
    for name, value in state.items():
        setattr(ledger, f"_{name}", value)
    return ledger


def _take_guide(guide: FunctionGuide) -> dict[str, Any]:
    return {"guide": Function("guide"), "latents": guide.latents, "params": guide.params}


def _make_guide(guide: Any, latents: CustomLatents, params: tuple[Part, ...]) -> Any:
    built = build_guide(guide, latents)[0]
    if getattr(built, "params", None) != params:
        raise SavedModelError("the guide that was passed has other parameters than the one saved")
    return built


@dataclass(frozen=True)
class Entry:
    """How objects of one class are stored.

    Attributes
    ----------
    cls : type
    check : callable, default=None
        Raises where an object, made of fields of the declared types, is impossible.
    state : type, default=None
        The dataclass or named tuple that declares what is stored; None for the class itself.
    taken : callable, default=None
        Returns the fields of an object; by default attributes of their names.
    build : callable, default=None
        Makes an object of its fields; by default the class.
    columns : callable, default=None
        Of a model: names and kinds of its columns, which must be those of the schema.
    """

    cls: Any
    check: Callable[[Any], None] | None = None
    state: Any = None
    taken: Callable[[Any], dict[str, Any]] | None = None
    build: Callable[..., Any] | None = None
    columns: Callable[[Any], list[tuple[Any, Any]]] | None = None

    def take(self, value: Any) -> dict[str, Any]:
        """Return what is stored of an object, by field."""
        if self.taken is not None:
            return self.taken(value)
        return {name: getattr(value, name) for name in field_hints(self.cls)}

    def make(self, fields: Mapping[str, Any]) -> Any:
        """Return the object of its fields.

        Raises
        ------
        TypeError, ValueError
            If there is no such object.
        """
        check_fields(self.state or self.cls, fields)
        value = (self.build or self.cls)(**fields)
        if self.check is not None:
            self.check(value)
        return value


@dataclass(frozen=True)
class Synthesizer:
    """A synthesizer that can be saved.

    Attributes
    ----------
    cls : type
    models : tuple of type
        What its `model_` can be.
    fitted : mapping of attribute name to type, default={}
        Fitted attributes beside those that `BaseSynthesizer` sets.
    """

    cls: type[BaseSynthesizer]
    models: tuple[type, ...]
    fitted: Mapping[str, Any] = field(default_factory=dict)


SYNTHESIZERS: dict[str, Synthesizer] = {
    synthesizer.cls.__name__: synthesizer
    for synthesizer in (
        Synthesizer(DPMixtureSynthesizer, (MixtureModel,)),
        Synthesizer(NumPyroSynthesizer, (CustomModel,)),
        Synthesizer(NapsuMQSynthesizer, (NapsuModel,)),
        Synthesizer(ClustMixSynthesizer, (MixtureModel, ContinuousModel)),
    )
}

_ENTRIES = (
    # what every synthesizer has
    *map(Entry, (Categorical, Continuous, Count, Ordinal)),
    Entry(TableSchema, state=SchemaState, taken=_take_schema, build=_make_schema),
    Entry(TableFormat, checks.check_format),
    *map(Entry, (LedgerEntry, PrivacySpent, *get_args(Event))),
    Entry(PrivacyLedger, state=LedgerState, taken=_take_ledger, build=_make_ledger),
    # histograms
    Entry(FineGrid, checks.check_grid),
    Entry(Bins, checks.check_bins),
    # mixtures
    *map(Entry, (Block, Scalar, Layout)),
    Entry(ColumnModel, checks.check_column),
    Entry(ComponentEstimates, checks.check_estimates),
    Entry(
        MixtureModel,
        checks.check_mixture,
        columns=lambda model: [(column.name, column.kind) for column in model.columns],
    ),
    *map(Entry, (ColumnCells, ContinuousModel)),
    # NumPyro models
    *map(Entry, (Part, MeanFieldGuide)),
    Entry(CustomLatents, checks.check_latents),
    Entry(FunctionGuide, state=GuideState, taken=_take_guide, build=_make_guide),
    Entry(
        CustomModel, checks.check_custom, columns=lambda model: list(model.schema.columns.items())
    ),
    # Markov networks
    *map(Entry, (Variable, JunctionTree, Evidence)),
    Entry(GroupedBins, checks.check_grouped),
    Entry(Domain, checks.check_domain),
    Entry(Network, checks.check_network),
    *map(Entry, (LaplacePosterior, PerturbedPosterior, SampledPosterior)),
    Entry(
        NapsuModel,
        checks.check_napsu,
        columns=lambda model: list(zip(model.domain.names, model.domain.kinds, strict=True)),
    ),
)
ENTRY_OF: dict[type, Entry] = {entry.cls: entry for entry in _ENTRIES}
CLASSES: dict[str, Entry] = {cls.__name__: entry for cls, entry in ENTRY_OF.items()}
