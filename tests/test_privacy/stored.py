"""What the commands of the slow suites share: showing, storing and judging what they found."""

import sys
import time


def show_and_store(ended, path, header, what):
    """Write lines as they come, then all of them to `path`; return 1 if one is a failure.

    `ended` yields pairs: a line of the table of results, and whether it is a failure.
    """
    wall, cpu, lines, failures = time.perf_counter(), time.process_time(), [], []
    for line, is_failure in ended:
        lines.append(line)
        sys.stdout.write(line)
        sys.stdout.flush()
        if is_failure:
            failures.append(line)
    minutes = f"{(time.perf_counter() - wall) / 60:.1f} minutes"
    cpu_minutes = f"{(time.process_time() - cpu) / 60:.1f} CPU minutes"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + "".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} {what} in {minutes}, {cpu_minutes}, {len(failures)} failures\n")
    for line in failures:
        sys.stdout.write(f"FAILED {line}")
    return 1 if failures else 0
