"""`durable completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click

from durable_runtime.cli.output import print_text


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  durable completion bash > ~/.local/share/bash-completion/completions/durable
    zsh:   durable completion zsh > a file _durable in a folder of $fpath
    fish:  durable completion fish > ~/.config/fish/completions/durable.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # the choice has only shells that click knows
    print_text(found(context.find_root().command, {}, "durable", "_DURABLE_COMPLETE").source())
