"""Do intervals from posterior draws cover? On tables that the mixture can model, and one it cannot.

python benchmarks/coverage.py [--epsilon 1] [--repeats 200] [--output FILE]

The quantity is a proportion within a class. Every repeat draws a table of 3,000 rows, fits, and
takes the 95 % interval of the proportion over 40 posterior draws of the parameters. "well" tables
have independent columns within a class; "badly" specified ones have not, and the proportion is that
of a pair of values, which a mixture of one component per class gets wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from skdpsynth import Categorical, DPMixtureSynthesizer, TableSchema

N_ROWS = 3_000
N_DRAWS = 40
SCHEMA = TableSchema(
    {
        "a": Categorical(["0", "1", "2"]),
        "b": Categorical(["0", "1", "2"]),
        "y": Categorical(["n", "p"]),
    },
    target="y",
)
A = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5]])


def draw_table(rng: np.random.Generator, dependence: float) -> pd.DataFrame:
    """Return a table in which b equals a with probability `dependence`, else is independent."""
    y = (rng.random(N_ROWS) < 0.35).astype(int)
    a, b = (np.array([rng.choice(3, p=A[k]) for k in y]) for _ in range(2))
    b = np.where(rng.random(N_ROWS) < dependence, a, b)
    return pd.DataFrame({"a": a.astype(str), "b": b.astype(str), "y": np.where(y, "p", "n")})


def proportion(table: pd.DataFrame, pair: bool) -> float:
    """Return P(a = 2 | y = p), or P(a = b = 2 | y = p)."""
    rows = table[table["y"] == "p"]
    hit = rows["a"] == "2"
    return float((hit & (rows["b"] == "2")).mean() if pair else hit.mean())


def coverage(
    epsilon: float, repeats: int, inference: str, dependence: float
) -> tuple[float, float]:
    """Return the share of intervals that cover the truth and their mean width."""
    pair = dependence > 0
    truth = A[1, 2] * (dependence + (1 - dependence) * A[1, 2]) if pair else A[1, 2]
    covered, widths = [], []
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        synthesizer = DPMixtureSynthesizer(
            epsilon, 1e-6, schema=SCHEMA, inference=inference, n_components=2
        ).fit(draw_table(rng, dependence))
        draws = [
            proportion(table, pair)
            for table in synthesizer.sample_datasets(N_DRAWS, 30_000, random_state=repeat)
        ]
        low, high = np.quantile(draws, [0.025, 0.975])
        covered.append(low <= truth <= high)
        widths.append(high - low)
    return float(np.mean(covered)), float(np.mean(widths))


def main() -> None:
    """Print the markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    lines = [
        f"ε = {arguments.epsilon:g}, {N_ROWS:,} rows, {arguments.repeats} repeats, nominal 95 %.",
        "",
        "| inference | specified | coverage | mean width |",
        "|---|---|---|---|",
    ]
    for inference in ("moments", "dpvi"):
        for name, dependence in (("well", 0.0), ("badly", 0.5)):
            share, width = coverage(arguments.epsilon, arguments.repeats, inference, dependence)
            lines.append(f"| {inference} | {name} | {share:.3f} | {width:.3f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
