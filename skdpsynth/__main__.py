"""The command line: ``skdpsynth``, or ``python -m skdpsynth``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from skdpsynth import __version__
from skdpsynth._demo import format_report, run_demo
from skdpsynth.benchmark import _command as benchmark

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command and its options; those of the process by default.

    Returns
    -------
    int
        The exit code: 0, or 1 where an optional package is not installed or nothing succeeded.
        Arguments that make no sense raise ``SystemExit(2)``, after the usage has been printed.
    """
    parser = _make_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        return int(options.execute(options))
    except ImportError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_program(), description="Differentially private synthetic tables."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="command")
    demo = commands.add_parser(
        "demo",
        help="make a private synthetic copy of a real table and measure it",
        description="Fit a synthesizer on the RAND Health Insurance Experiment, write synthetic "
        "rows and a picture of their marginals, and print how good they are.",
    )
    demo.add_argument("--output-dir", default="demo_output", help="default: %(default)s")
    demo.add_argument(
        "--epsilon", type=_positive, default=1.0, help="privacy budget; default: %(default)s"
    )
    demo.add_argument(
        "--seed", type=int, help="repeat a run exactly, noise included (public tables only)"
    )
    demo.set_defaults(execute=_demo)
    benchmark.add_parser(commands)
    return parser


def _program() -> str:
    """Return how the command line was called."""
    return "skdpsynth" if Path(sys.argv[0]).stem == "skdpsynth" else "python -m skdpsynth"


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _demo(options: argparse.Namespace) -> int:
    print(format_report(run_demo(options.output_dir, options.epsilon, options.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
