"""Markov networks the slow way: every cell of the joint table written out."""

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from skdpsynth._markov_network._contrasts import Variable
from skdpsynth._markov_network._marginals import count_marginals
from skdpsynth._markov_network._network import build_network

# each statistical test would fail for one seed in a million if the law is right
FALSE_ALARM = 1e-6

# sizes of the variables, and queries
TOPOLOGIES = {
    "one variable": ((4,), [(0,)]),
    "singletons": ((2, 3, 2), [(0,), (1,), (2,)]),
    "chain": ((2, 3, 2, 4), [(0, 1), (1, 2), (2, 3)]),
    "long chain": ((2,) * 8, [(i, i + 1) for i in range(7)]),
    "star": ((3, 2, 2, 3), [(0, 1), (0, 2), (0, 3)]),
    "tree": ((2, 3, 2, 2, 3, 2), [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5)]),
    # one level of the tree has cliques of very different sizes
    "uneven": ((5, 2, 2, 2, 2, 3), [(1, 2), (2, 0), (0, 5), (2, 3), (3, 4)]),
    "cycle": ((2, 3, 2, 2, 3), [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]),
    "triples": ((2, 3, 2, 2, 2), [(0, 1, 2), (1, 2, 3), (2, 3, 4)]),
    "clique": ((2, 3, 2), [(0, 1, 2)]),
    "disconnected": ((2, 3, 2, 3), [(0, 1), (2, 3)]),
    "permuted": ((2, 3, 2, 2), [(3, 0, 1), (1, 0), (2, 3), (3, 1), (2, 3)]),
    "nested": ((2, 3, 2), [(0, 1), (1,), (0, 1), (2,)]),
    "one level": ((2, 1, 3), [(0, 1), (1, 2)]),
    "only one level": ((1, 1), [(0, 1)]),
    "unmentioned": ((2, 3, 2), [(2, 0)]),
    "no query": ((2, 3), []),
}


def make_variables(sizes):
    """Variables of all kinds, in turn."""
    kinds = [(False, False), (True, False), (True, True)]
    return tuple(Variable(size, *kinds[i % 3]) for i, size in enumerate(sizes))


def make_network(name):
    sizes, queries = TOPOLOGIES[name]
    return build_network(make_variables(sizes), queries)


def random_parameters(network, seed=0, scale=1.0):
    return scale * np.random.default_rng(seed).standard_normal(network.n_parameters)


def all_cells(shape):
    """Every row that there can be, of shape (n_cells, n_variables)."""
    return np.array(list(np.ndindex(*shape)), dtype=np.int64)


def contrasts(variable):
    """Halves, quarters, ... of the levels: zero sums, norm one, orthogonal."""
    spans = [(0, variable.n_levels)]
    columns = []
    if variable.last_apart and variable.n_levels >= 2:
        spans = [(0, variable.n_levels - 1)]
        columns.append(_contrast(variable.n_levels, 0, variable.n_levels - 1, variable.n_levels))
    while spans:
        start, stop = spans.pop()
        if stop - start >= 2:
            middle = (start + stop + 1) // 2
            columns.append(_contrast(variable.n_levels, start, middle, stop))
            spans += [(middle, stop), (start, middle)]
    return np.array(columns).reshape(-1, variable.n_levels).T


def _contrast(n_levels, start, middle, stop):
    column = np.zeros(n_levels)
    column[start:middle] = 1.0 / (middle - start)
    column[middle:stop] = -1.0 / (stop - middle)
    return column / np.linalg.norm(column)


def statistics(network, cells):
    """a(x) of rows, one column per parameter, from the definition."""
    columns = [np.zeros((len(cells), 0))]
    for subset in network.subsets:
        product = np.ones((len(cells), 1))
        for v in subset:
            own = contrasts(network.variables[v])[cells[:, v]]
            product = (product[:, :, None] * own[:, None, :]).reshape(len(cells), -1)
        columns.append(product)
    return np.concatenate(columns, axis=1)


def joint(network, parameters):
    """Return log Σ exp(λ·a(x)) and the probability of every cell."""
    logs = statistics(network, all_cells(network.shape)) @ parameters
    total = logsumexp(logs)
    return total, np.exp(logs - total)


def marginal(shape, probability, query):
    """Sum a joint table, flat, to some of its axes in the order given."""
    table = np.reshape(probability, shape)
    kept = sorted(query)
    table = table.sum(axis=tuple(v for v in range(len(shape)) if v not in kept))
    return table.transpose([kept.index(v) for v in query])


def indicators(shape, query):
    """The matrix that turns a joint table, flat, into the marginal's cells."""
    cells = all_cells(shape)
    sizes = [shape[v] for v in query]
    flat = np.zeros(len(cells), dtype=int)
    for v, size in zip(query, sizes, strict=True):
        flat = flat * size + cells[:, v]
    return np.eye(int(np.prod(sizes)))[flat].T


def count_marginal(levels, query, shape):
    return count_marginals(levels, [query], shape)[0]


def random_rows(network_shape, n_rows, seed=0):
    """Levels of rows, of shape (n_variables, n_rows), all variables dependent."""
    rng = np.random.default_rng(seed)
    cells = all_cells(network_shape)
    chosen = rng.choice(len(cells), n_rows, p=rng.dirichlet(np.ones(len(cells))))
    return cells[chosen].T.astype(np.int32)


def chi_square(observed, expected):
    """Return the p-value of counts, those with small expectations pooled with the next larger."""
    order = np.argsort(expected)
    observed, expected = np.asarray(observed)[order], np.asarray(expected)[order]
    first = int((expected < 10).sum())
    observed = np.append(observed[: first + 1].sum(), observed[first + 1 :])
    expected = np.append(expected[: first + 1].sum(), expected[first + 1 :])
    if len(observed) == 1:
        return 1.0
    return stats.chisquare(observed, expected).pvalue
