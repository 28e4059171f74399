import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skdpsynth._markov_network._contrasts import (
    Variable,
    analyse,
    axis_basis,
    closure,
    n_contrasts,
    synthesise,
)
from skdpsynth._markov_network._marginals import divide_constants
from skdpsynth._markov_network._network import build_network, coefficient_cells

from . import reference
from .reference import make_variables


@pytest.mark.parametrize("n_levels", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("kind", [(False, False), (True, False), (True, True)])
def test_an_axis_has_a_constant_and_orthonormal_contrasts(n_levels, kind):
    variable = Variable(n_levels, *kind)
    basis = axis_basis(variable)
    expected = np.diag([n_levels, *[1.0] * (n_levels - 1)])
    assert_allclose(basis.T @ basis, expected, atol=1e-12)
    assert (basis[:, 0] == 1).all()
    assert_allclose(basis[:, 1:], reference.contrasts(variable), atol=1e-12)


def test_the_missing_level_is_told_from_all_others_first():
    apart = axis_basis(Variable(5, True, True))
    assert (apart[-1, 2:] == 0).all()
    assert np.ptp(apart[:-1, 1]) == pytest.approx(0)


def test_the_basis_is_shared_and_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        axis_basis(Variable(3))[0, 0] = 2.0


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_coefficients_are_products_with_the_basis(sizes, seed):
    variables = make_variables(sizes)
    rng = np.random.default_rng(seed)
    table, other = rng.standard_normal((2, *sizes))
    coefficients = analyse(table, variables)
    for index in np.ndindex(*sizes):
        weights = np.ones(())
        for variable, k in zip(variables, index, strict=True):
            weights = np.multiply.outer(weights, axis_basis(variable)[:, k])
        assert coefficients[index] == pytest.approx((weights * table).sum(), abs=1e-10)
    # the transpose, and the inverse
    assert np.vdot(other, coefficients) == pytest.approx(
        np.vdot(synthesise(other, variables), table), abs=1e-9
    )
    assert_allclose(synthesise(divide_constants(coefficients), variables), table, atol=1e-10)


def test_the_closure_is_every_subset_once_the_smaller_ones_first():
    found = closure([(2, 0, 1), (1, 0), (3,), (3, 3)])
    assert found == ((0,), (1,), (2,), (3,), (0, 1), (0, 2), (1, 2), (0, 1, 2))


@st.composite
def problems(draw):
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    query = st.lists(st.sampled_from(range(len(sizes))), min_size=1, max_size=3, unique=True)
    return sizes, draw(st.lists(query.map(tuple), min_size=1, max_size=6))


@given(problems())
def test_the_contrasts_are_a_minimal_basis_of_all_cells(problem):
    """Full rank, as many as the rank of the queries' cells less the constant, the same span."""
    sizes, queries = problem
    network = build_network(make_variables(sizes), queries)
    own = reference.statistics(network, reference.all_cells(sizes))
    own = np.column_stack([np.ones(len(own)), own])
    cells = np.concatenate([reference.indicators(sizes, query) for query in queries]).T
    rank = np.linalg.matrix_rank(cells)
    assert own.shape[1] == network.n_parameters + 1 == rank
    assert np.linalg.matrix_rank(own) == rank
    assert np.linalg.matrix_rank(np.column_stack([own, cells])) == rank
    # orthogonal under the uniform distribution
    gram = own.T @ own
    assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9)


@given(problems())
def test_subsets_divide_a_cliques_coefficients(problem):
    sizes, queries = problem
    variables = make_variables(sizes)
    for query in map(sorted, queries):
        parts = [
            coefficient_cells(query, subset, variables)
            for r in range(len(query) + 1)
            for subset in itertools.combinations(query, r)
        ]
        sizes_found = [
            n_contrasts(subset, variables)
            for r in range(len(query) + 1)
            for subset in itertools.combinations(query, r)
        ]
        assert list(map(len, parts)) == sizes_found
        n_cells = math.prod(sizes[v] for v in query)
        assert sorted(np.concatenate(parts)) == list(range(n_cells))
