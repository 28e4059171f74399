"""The command ``benchmark``: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from skdpsynth.benchmark._run import run

__all__ = ["add_parser", "execute"]

_DESCRIPTION = """\
Compare synthesizers on a public table: models trained on synthetic rows and tested on real ones,
distances between marginals, time and memory. Writes results.csv, settings.json, report.md and
figure.png. The same command goes on where it was interrupted."""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the command to the subparsers of a command line; ``options.execute(options)`` runs it.

    Parameters
    ----------
    commands : object
        What ``ArgumentParser.add_subparsers`` returned.

    Returns
    -------
    ArgumentParser
        The parser of the command.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "benchmark", help="compare synthesizers on a public table", description=_DESCRIPTION
    )
    add = parser.add_argument
    add(
        "--data",
        required=True,
        help="CSV file, or adult, census, covid19, credit_card_fraud, isolet, mnist, rand_hie",
    )
    add("--target", help="column to predict; default: the target of the schema")
    add("--schema", help="JSON file of the schema; named tables have their own")
    add(
        "--methods",
        "--method",
        type=_words,
        default=["mixture", "napsu", "clustmix"],
        metavar="A,B",
        help="mixture, napsu, clustmix, or package.module:Name of a class with fit "
        "and sample; default: the first three",
    )
    add("--epsilon", type=_numbers, default=[1.0], metavar="E,F", help="budgets; default: 1")
    add("--seeds", type=_count, default=3, help="number of splits; default: %(default)s")
    add(
        "--scorers",
        type=_words,
        default=["lightgbm", "logistic"],
        metavar="A,B",
        help="lightgbm, logistic, or package.module:Name of an estimator; default: both",
    )
    add("--delta", type=_share, help="default: one over the number of training rows")
    add("--output", default="benchmark_output", help="directory; default: %(default)s")
    add(
        "--split",
        choices=["stratified", "official"],
        default="stratified",
        help="at random by label, or the publisher's; default: %(default)s",
    )
    add("--test-size", type=_share, default=0.25, help="share of test rows; default: %(default)s")
    add("--max-train-rows", type=_count, help="cut the training rows to so many")
    add(
        "--missing",
        type=_words,
        default=["?"],
        metavar="A,B",
        help="texts that stand for missing values, besides an empty one; default: ?",
    )
    add(
        "--edges",
        type=_read_edges,
        metavar="FILE",
        help="JSON object of bin edges by column, for distances between marginals",
    )
    add("--bins", type=_count, default=20, help="bins of the other numeric columns; default: 20")
    add("--max-marginals", type=_count, default=1000, help="default: %(default)s")
    add("--max-columns", type=_count, default=100, help="default: %(default)s")
    add("--published", metavar="FILE", help="JSON list of figures of others to show beside")
    add("--timeout", type=_positive, help="seconds after which a run counts as failed")
    add("--retry-failed", action="store_true", help="repeat runs that failed")
    add(
        "--no-isolation",
        dest="isolate",
        action="store_false",
        help="all runs in this process: faster, but memory and compilation are shared",
    )
    parser.set_defaults(execute=lambda options: execute(options, parser))
    return parser


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list such as a,b")
    return words


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _numbers(text: str) -> list[float]:
    return [_positive(word) for word in _words(text)]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _share(text: str) -> float:
    value = _positive(text)
    if not value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not below 1")
    return value


def _read_edges(path: str) -> dict[str, list[float]]:
    try:
        edges = json.loads(Path(path).read_text(encoding="utf-8"))
        return {str(name): [float(edge) for edge in bins] for name, bins in edges.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{path}: not an object of bin edges: {error}") from None


def execute(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Carry out the command.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    parser : ArgumentParser
        Of the command; it says what is wrong, with exit code 2.

    Returns
    -------
    int
        0; 1 where no run succeeded; 130 after an interruption. An ImportError, of an optional
        package, is the caller's.
    """
    if os.getcwd() not in sys.path:
        # as "python -m" does, for a method in a file of the working directory
        sys.path.insert(0, os.getcwd())
    try:
        result = run(
            options.data,
            target=options.target,
            schema=options.schema,
            methods=options.methods,
            epsilon=options.epsilon,
            seeds=options.seeds,
            scorers=options.scorers,
            delta=options.delta,
            output=options.output,
            split=options.split,
            test_size=options.test_size,
            max_train_rows=options.max_train_rows,
            missing=options.missing,
            edges=options.edges,
            n_bins=options.bins,
            max_marginals=options.max_marginals,
            max_columns=options.max_columns,
            published=options.published,
            isolate=options.isolate,
            timeout=options.timeout,
            retry_failed=options.retry_failed,
            progress=True,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print(
            f"Interrupted. Finished runs are in {Path(options.output) / 'results.csv'}; the same "
            "command goes on from there.",
            file=sys.stderr,
        )
        return 130
    print(result.to_markdown())
    print(f"Written to {options.output}: results.csv, settings.json, report.md, figure.png")
    succeeded = (result.runs["status"] == "ok") & (result.runs["method"] != "real")
    return 0 if succeeded.any() else 1
