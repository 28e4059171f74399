"""Random mixtures, and their densities and responsibilities written out with numpy and scipy."""

import numpy as np
from scipy import stats
from scipy.special import logsumexp
from test_histograms.reference import find_cell

from skdpsynth import Categorical, Continuous, Count, Ordinal, TableSchema
from skdpsynth._histograms import coarsen, fine_grid
from skdpsynth._product_mixture._columns import model_columns
from skdpsynth._product_mixture._estimates import ComponentEstimates
from skdpsynth._product_mixture._layout import build_layout
from skdpsynth._product_mixture._model import MixtureModel

FAMILIES = {"height": "normal", "visits": "poisson", "age": "categorical"}


def mixed_schema(nullable=False, target="label"):
    """One column of each family, and more than one kind for some."""
    return TableSchema(
        {
            "sex": Categorical(["F", "M"], nullable=nullable),
            "colour": Categorical(["red", "green", "blue"]),
            "income": Continuous(-2.0, 10.0, nullable=nullable),
            "wealth": Count(0, 5000),
            "height": Continuous(1.0, 3.0, nullable=nullable),
            "visits": Count(2, 14, nullable=nullable),
            "age": Count(5, 9),
            "size": Ordinal(["s", "m", "l"], nullable=nullable),
            "label": Categorical(["a", "b"], nullable=nullable),
        },
        target,
    )


def random_model(rng, schema, families=FAMILIES, n_components=6, n_bins=5):
    """Return a mixture with random parameters; each class has a component."""
    columns = model_columns(schema, families)
    owner = None if schema.target is None else schema.names.index(schema.target)
    if owner is not None and not columns[owner].is_tabulated:
        owner = None
    bins = {}
    for j, column in enumerate(columns):
        if column.distribution == "histogram":
            grid = fine_grid(column.kind)
            counts = rng.gamma(0.3, 10.0, len(grid.left) + column.kind.nullable)
            counts[np.flatnonzero(grid.left == grid.right)[:1]] += counts.sum()
            bins[j] = coarsen(counts, grid, n_bins)
    layout = build_layout(columns, bins, owner)
    component_owner = np.arange(n_components) % layout.n_classes
    return MixtureModel(
        columns,
        layout,
        bins,
        rng.dirichlet(np.ones(n_components)),
        500.0,
        component_owner,
        random_estimates(rng, layout, n_components),
    )


def random_estimates(rng, layout, n_components):
    shape = (n_components, len(layout.scalars))
    cell = [rng.dirichlet(np.ones(b.n_cells), n_components) for b in layout.blocks]
    is_normal = np.array([s.distribution == "normal" for s in layout.scalars], dtype=bool)
    is_nullable = np.array([s.is_nullable for s in layout.scalars], dtype=bool)
    return ComponentEstimates(
        n_records=rng.uniform(50.0, 100.0, n_components),
        cell=np.concatenate([np.zeros((n_components, 0)), *cell], axis=1),
        cell_size=np.full((n_components, len(layout.blocks)), 200.0),
        location=np.where(is_normal, rng.uniform(-0.8, 0.8, shape), rng.uniform(0.5, 9.0, shape)),
        location_error=np.full(shape, 0.01),
        log_scale=np.where(is_normal, rng.uniform(-2.0, 0.5, shape), 0.0),
        log_scale_error=np.full(shape, 0.01),
        missing=np.where(is_nullable, rng.uniform(0.05, 0.4, shape), 0.0),
        missing_size=np.full(shape, 200.0),
    )


def random_codes(rng, schema, n_rows):
    """Return encoded rows that use every level, the bounds, zero and missing values."""
    codes = np.empty((n_rows, len(schema)))
    for j, kind in enumerate(schema.columns.values()):
        if hasattr(kind, "levels"):
            codes[:, j] = rng.integers(len(kind.levels), size=n_rows)
        else:
            values = rng.uniform(kind.low, kind.high, n_rows)
            special = rng.choice([kind.low, kind.high, np.clip(0.0, kind.low, kind.high)], n_rows)
            values = np.where(rng.random(n_rows) < 0.3, special, values)
            if isinstance(kind, Count):
                values = np.rint(values)
            codes[:, j] = (values - kind.low) / (kind.high - kind.low)
        if kind.nullable:
            codes[rng.random(n_rows) < 0.25, j] = np.nan
    return codes


def column_log_density(model, position, code):
    """Return log p(x_j | k) of one value under every component, of shape (n_components,)."""
    column = model.columns[position]
    blocks = {block.column: block for block in model.layout.blocks}
    if not column.is_tabulated:
        j = [scalar.column for scalar in model.layout.scalars].index(position)
        return scalar_log_density(model, column, j, code)
    cell, log_spread = tabulate(model, position, code)
    if position == model.layout.owner:
        return np.where(model.owner == cell, 0.0, -np.inf) + log_spread
    return np.log(model.estimates.cell[:, blocks[position].start + cell]) + log_spread


def component_log_density(model, codes, without=None):
    """Return log π_k + Σ_j log p(x_j | k), of shape (n_rows, n_components), value by value."""
    total = np.tile(np.log(model.weights), (len(codes), 1))
    for position in range(len(model.columns)):
        if position != without:
            total += [column_log_density(model, position, code) for code in codes[:, position]]
    return total


def tabulate(model, position, code):
    """Return the cell of a value and the log density of the value given its cell."""
    column = model.columns[position]
    if np.isnan(code):
        n_cells = model.bins[position].n_bins if position in model.bins else column.n_levels
        return n_cells, 0.0
    if position not in model.bins:
        scale = column.kind.high - column.kind.low if column.is_numeric else 1
        return round(code * scale), 0.0
    grid, bins = fine_grid(column.kind), model.bins[position]
    fine = find_cell(grid, column.kind, code)
    return bins.bin_of_cell[fine], np.log(bins.cell_probability[fine] / grid.measure[fine])


def scalar_log_density(model, column, j, code):
    """Return the log density of one normal or poisson value under every component."""
    kind, estimates = column.kind, model.estimates
    missing, location = estimates.missing[:, j], estimates.location[:, j]
    if np.isnan(code):
        return np.log(missing)
    width = kind.high - kind.low
    if column.distribution == "poisson":
        mass = stats.poisson.cdf(width, location)
        log_p = stats.poisson.logpmf(round(code * width), location) - np.log(mass)
    else:
        # from [−1, 1] to the units of the column
        centre = kind.low + (location + 1.0) / 2.0 * width
        scale = np.exp(estimates.log_scale[:, j]) * width / 2.0
        ends = (kind.low - centre) / scale, (kind.high - centre) / scale
        log_p = stats.truncnorm.logpdf(kind.low + code * width, *ends, centre, scale)
    return np.log1p(-missing) + log_p


def log_density(model, codes, without=None):
    """Return the log density of every row."""
    return logsumexp(component_log_density(model, codes, without), axis=1)


def responsibilities(model, codes):
    """Return p(k | x), of shape (n_rows, n_components)."""
    joint = component_log_density(model, codes)
    return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))


def chi_square(observed, expected):
    """Return the p-value of counts, those with small expectations pooled with the next larger."""
    order = np.argsort(expected)
    observed, expected = np.asarray(observed)[order], np.asarray(expected)[order]
    first = int((expected < 10).sum())
    observed = np.append(observed[: first + 1].sum(), observed[first + 1 :])
    expected = np.append(expected[: first + 1].sum(), expected[first + 1 :])
    return stats.chisquare(observed, expected).pvalue
