"""Held-out log density of DP-VI: this package's engine against d3p's, on Adult.

python benchmarks/dpvi_quality.py [--seeds 5] [--output FILE]

Run in the environment of ``make test-d3p``. Both engines start from the same noisy profile and take
equally many steps of equal batches. At ε = ∞ neither adds noise: what differs is the gradient. At
finite ε each adds the noise that its own accounting asks for.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from _tables import split

from skdpsynth import DPMixtureSynthesizer

N_ROWS = 8_000
SETTING = {"n_components": 20, "n_steps": 300, "sampling_rate": 0.04, "n_bins": 32}


def held_out(engine: str, epsilon: float, seed: int) -> float:
    """Return the mean log density of test rows."""
    train, test, schema = split("adult", seed)
    synthesizer = DPMixtureSynthesizer(
        epsilon,
        1 / N_ROWS,
        "replace_one",
        schema=schema,
        inference="dpvi",
        engine=engine,
        **SETTING,
    )
    return synthesizer.fit(train[:N_ROWS]).score(test)


def main() -> None:
    """Print the markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    lines = [
        f"Adult, {N_ROWS:,} training rows, {SETTING}, replace-one; mean ± standard deviation over "
        f"{arguments.seeds} splits.",
        "",
        "| ε | jax | d3p | jax − d3p |",
        "|---|---|---|---|",
    ]
    for epsilon in (1.0, float("inf")):
        scores = np.array(
            [
                [held_out(engine, epsilon, seed) for engine in ("jax", "d3p")]
                for seed in range(arguments.seeds)
            ]
        )
        cells = [*scores.T, scores[:, 0] - scores[:, 1]]
        text = " | ".join(f"{cell.mean():.3f} ± {cell.std(ddof=1):.3f}" for cell in cells)
        lines.append(f"| {epsilon:g} | {text} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
