"""What of noise-aware Markov networks is stored in files."""

from __future__ import annotations

import math

import numpy as np

from .._markov_network import Network
from .._storing import Entry, Stored, StoredSynthesizer, is_subset, is_vector, require
from ._model import NapsuModel
from ._posterior import LaplacePosterior, PerturbedPosterior, SampledPosterior
from ._synthesizer import NapsuMQSynthesizer

__all__ = ["STORED", "check_napsu"]


def check_napsu(model: NapsuModel) -> None:
    """Check a Markov network: columns, parameters and posterior must fit the variables."""
    domain, network, posterior = model.domain, model.network, model.posterior
    require(domain.variables == network.variables, "the columns do not fit the network")
    cliques = network.tree.cliques
    for part in domain.parts:
        require(any(set(part) <= set(c) for c in cliques), "a column's variables are apart")
    n_variables = len(network.variables)
    require(all(is_subset(q, n_variables) for q in model.queries), "a query has no variables")
    require(is_vector(model.parameters, network.n_parameters), "parameters are missing")
    require(not model.given, "it was saved with conditions")
    if isinstance(posterior, SampledPosterior):
        shape = posterior.draws.shape
        is_right = len(shape) == 2 and shape[0] > 0 and shape[1] == network.n_parameters
        require(is_right and posterior.draws.dtype.kind == "f", "draws do not fit the network")
        require(np.isfinite(posterior.draws).all(), "draws are not finite")
    elif isinstance(posterior, LaplacePosterior | PerturbedPosterior):
        _check_refitting(posterior, network)
    else:
        require(posterior is None, "the posterior is none")


def _check_refitting(posterior: LaplacePosterior | PerturbedPosterior, network: Network) -> None:
    """Check a posterior whose draws are fitted to drawn statistics."""
    n_parameters, evidence = network.n_parameters, posterior.evidence
    require(posterior.network == network, "the posterior belongs to another network")
    cliques = [set(clique) for clique in network.tree.cliques]
    for query in posterior.queries:
        require(any(own.issuperset(query) for own in cliques), "a query has no clique")
    is_right = is_vector(evidence.moments, n_parameters)
    require(is_right and is_vector(evidence.variance, n_parameters), "statistics are missing")
    require((evidence.variance >= 0).all() and evidence.n_variance >= 0, "a variance is negative")
    require(math.isfinite(evidence.n_records + evidence.n_variance), "the row count is not finite")
    if isinstance(posterior, LaplacePosterior):
        is_square = posterior.root.shape == (n_parameters, n_parameters)
        require(is_square and np.isfinite(posterior.root).all(), "the covariance does not fit")
        return
    is_none = posterior.expected is None
    require(is_none or is_vector(posterior.expected, n_parameters), "statistics are missing")  # type: ignore[arg-type]
    sizes = [math.prod(network.clique_shape(clique)) for clique in network.tree.cliques]
    require([table.size for table in posterior.tables] == sizes, "tables do not fit the cliques")


STORED = Stored(
    entries=(
        *map(Entry, (LaplacePosterior, PerturbedPosterior, SampledPosterior)),
        Entry(
            NapsuModel,
            check_napsu,
            columns=lambda model: list(zip(model.domain.names, model.domain.kinds, strict=True)),
        ),
    ),
    synthesizers=(StoredSynthesizer(NapsuMQSynthesizer, (NapsuModel,)),),
    builds_on=("skdpsynth._markov_network._stored",),
)
