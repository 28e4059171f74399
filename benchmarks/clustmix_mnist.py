"""ClustMix on MNIST's own split: accuracy, time and memory above import; Linux only.

python benchmarks/clustmix_mnist.py [--epsilon 1] [--seed 0] [--lightgbm]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression

from skdpsynth import ClustMixSynthesizer
from skdpsynth.datasets import fetch_mnist


def memory(name: str) -> float:
    """Return an entry of the process's status in MiB: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def main() -> None:
    """Fit once, and print what the models trained on synthetic rows reach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0, help="of the rows sampled, not the noise")
    parser.add_argument("--lightgbm", action="store_true", help="takes many minutes")
    arguments = parser.parse_args()
    after_import = memory("VmRSS")
    train, test = fetch_mnist(subset="train"), fetch_mnist(subset="test")
    Path("/proc/self/clear_refs").write_text("5")
    start = time.process_time()
    synthesizer = ClustMixSynthesizer(arguments.epsilon, 1e-5, schema=train.schema)
    synthesizer.fit(train.data, train.target)
    print(f"fit: {time.process_time() - start:.1f} CPU s", end=", ")
    print(f"peak above import {memory('VmHWM') - after_import:.0f} MiB", flush=True)
    X, y = synthesizer.sample_xy(len(train.data), random_state=arguments.seed)
    X = np.asarray(X, dtype=np.float32)
    learners = [LogisticRegression(max_iter=200)]
    if arguments.lightgbm:
        learners.append(LGBMClassifier(n_jobs=2, verbose=-1))
    for learner in learners:
        accuracy = learner.fit(X, y).score(test.data, test.target)
        print(f"{type(learner).__name__}: {accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main()
