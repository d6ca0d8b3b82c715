"""The one place where errors become exit codes and sentences. No traceback leaves through here."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence

import click

from durable_runtime.cli.application import durable
from durable_runtime.cli.exits import CommandError, Ended, Exit
from durable_runtime.cli.output import complain, prepare_streams, print_json

COMPLETE_VARIABLE = "_DURABLE_COMPLETE"
DEBUG_VARIABLE = "DURABLE_DEBUG"
STEP_THREADS = "durable-step"
"""How the names of threads begin in which plain steps run."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and ends the process with one of the codes of `Exit`."""
    prepare_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough. What is left in the buffer must not fail again at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.CLOSED_PIPE
    if _hangs():
        # Python waits for such threads when it exits, which may be for ever. Everything is closed and said by now.
        os._exit(int(code))
    sys.exit(int(code))


def _hangs() -> bool:
    """Tells whether a plain step outlived its timeout and still keeps its thread."""
    steps = [thread for thread in threading.enumerate() if thread.name.startswith(STEP_THREADS)]
    for thread in steps:
        thread.join(0.2)  # one that is only about to end does so
    return any(thread.is_alive() for thread in steps)


def run(words: list[str]) -> Exit:
    """Runs the command line and gives its code, having said what there is to say about an error."""
    try:
        if asked := os.environ.get(COMPLETE_VARIABLE):
            from click.shell_completion import shell_complete

            shell_complete(durable, {}, "durable", COMPLETE_VARIABLE, asked)
            return Exit.OK
        # Not `durable.main`: that has an own idea of closed pipes and interrupts.
        with durable.make_context("durable", words) as context:
            durable.invoke(context)
    except Ended as ended:
        return ended.exit
    except click.exceptions.Exit as ended:  # after --help and --version
        return Exit(ended.exit_code)
    except BrokenPipeError:
        raise
    except BaseException as error:
        return _explain(error, as_json="--json" in words)
    return Exit.OK


def _explain(error: BaseException, *, as_json: bool) -> Exit:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    code, message = _judge(error)
    if as_json:
        details: dict[str, object] = {"type": type(error).__name__, "message": message, "exit": int(code)}
        problems = getattr(error, "problems", ())
        if problems:
            details["problems"] = [_plain_problem(problem) for problem in problems]
        print_json({"error": details})
    complain(message if code in (Exit.INTERRUPTED, Exit.INVALID) and _is_list(error) else f"error: {message}")
    return code


def _is_list(error: BaseException) -> bool:
    """Problems of a document begin with their place, as editors and people expect; no word stands before it."""
    return type(error).__name__ == "DslError" or isinstance(error, KeyboardInterrupt)


def _plain_problem(problem: object) -> object:
    names = ("code", "severity", "message", "file", "line", "column", "width", "hint")
    return problem if isinstance(problem, str) else {name: getattr(problem, name) for name in names}


def _judge(error: BaseException) -> tuple[Exit, str]:
    if isinstance(error, CommandError):
        return error.exit, str(error)
    if isinstance(error, click.UsageError):
        return Exit.USAGE, _usage(error)
    if isinstance(error, click.ClickException):
        return Exit.USAGE, error.format_message()
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Exit.INTERRUPTED, "interrupted"
    return _judge_known(error) or _judge_unknown(error)


def _usage(error: click.UsageError) -> str:
    message = error.format_message()
    if error.ctx is None:
        return message
    return f"{message}\n{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help'."


def _judge_known(error: BaseException) -> tuple[Exit, str] | None:
    """Judges what the packages raise on purpose. Imported only now, since most runs of the command never fail."""
    from durable_dsl.drawing.errors import DrawingError
    from durable_dsl.errors import DslError
    from durable_runtime import errors
    from durable_runtime.embedded.errors import EmbeddedPostgresError

    kinds: list[tuple[type[BaseException] | tuple[type[BaseException], ...], Exit]] = [
        ((DslError, errors.InvalidInput, errors.InvalidAnswer, errors.UnsupportedWorkflow, DrawingError), Exit.INVALID),
        ((errors.UnknownExecution, errors.UnknownWorkflow, errors.UnknownWait, errors.UnknownValue), Exit.NOT_FOUND),
        ((errors.DatabaseUnavailable, errors.SchemaMismatch, errors.LeaseLost, EmbeddedPostgresError), Exit.DATABASE),
        (errors.ResultTimeout, Exit.TIMED_OUT),
        (errors.InvalidOption, Exit.USAGE),
        (errors.DurableError, Exit.FAILED),
    ]
    for kind, code in kinds:
        if isinstance(error, kind):
            return code, _with_problems(str(error), error)
    return None


def _with_problems(message: str, error: BaseException) -> str:
    reasons = [reason for reason in getattr(error, "problems", ()) if isinstance(reason, str)]
    return "\n".join([message, *(f"  {reason}" for reason in reasons if reason not in message)])


def _judge_unknown(error: BaseException) -> tuple[Exit, str]:
    if isinstance(error, SystemExit):
        return Exit.BUG, "the command was ended from within"
    if isinstance(error, OSError) and error.filename is not None:
        return Exit.FAILED, f"{error.filename}: {error.strerror}"
    told = f"durable has a bug: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    try:
        descriptor, name = tempfile.mkstemp(prefix="durable-bug-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        return (
            Exit.BUG,
            f"{told}. Please report it with what it shows when run with {DEBUG_VARIABLE}=1.",
        )
    return Exit.BUG, f"{told}. The details are in {name}; please report it with that file."
