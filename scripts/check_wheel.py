"""Proves that the built wheel stands alone: an editable install hides files that the wheel forgot.

The wheel is built from the source distribution, installed without extras into an empty environment outside the
checkout, and `durable run` of an example has to end well from there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.dev import ROOT, SetupError, create_environment, install, locate, make_variables, say

EXAMPLE = ("examples/workflows/order.yaml", "--input", "@examples/workflows/order.input.json")
LONGEST_RUN_SECONDS = 300


def build_wheel(folder: Path) -> Path:
    """Build the source distribution and from it the wheel, into `folder`; return the wheel."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    return wheel


def run_example(environment: Path, folder: Path) -> None:
    """Run the example with the installed `durable`, from a copy of the examples in `folder` and with a fresh server."""
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    variables = make_variables(DURABLE_HOME=str(folder / "home"))
    variables.pop("DURABLE_DATABASE_URL", None)
    subprocess.run(
        [str(locate(environment, "durable")), "run", *EXAMPLE],
        check=True,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        timeout=LONGEST_RUN_SECONDS,
    )


def main() -> int:
    """Build, install and run; return 1 and name the step when one of them fails."""
    folder = Path(tempfile.mkdtemp(prefix="durable-wheel-"))
    # The embedded server runs as another user when this is root, and has to get in.
    folder.chmod(0o755)
    try:
        say("building the wheel")
        wheel = build_wheel(folder / "dist")
        say(f"installing {wheel.name} into an empty environment in {folder}")
        environment = folder / "environment"
        create_environment(environment)
        install(environment, wheel)
        say(f"durable run {' '.join(EXAMPLE)}")
        run_example(environment, folder)
    except (SetupError, OSError, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)
    say("the wheel stands alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
