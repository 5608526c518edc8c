"""The command line teaches: help with examples everywhere, the nearest word for a mistyped one."""

from __future__ import annotations

import argparse
import shlex

import pytest

from tests.tocsin.conftest import Run
from tocsin.arguments import parser


def commands(within: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [words]
    for action in within._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                found += commands(command, (*words, name))
    return found


COMMANDS = commands(parser())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(run: Run, words: tuple[str, ...]) -> None:
    """`--help` says in a sentence what the command does, and what each of its arguments is."""
    helped = run(*words, "--help")

    assert (helped.code, helped.complaint) == (0, "")
    assert helped.out.split("\n\n")[1].rstrip().endswith(".")
    for action in parser_of(words)._actions:
        assert action.help or isinstance(action, argparse._SubParsersAction), (words, action.dest)


def parser_of(words: tuple[str, ...]) -> argparse.ArgumentParser:
    within: argparse.ArgumentParser = parser()
    for word in words:
        (choices,) = [action.choices for action in within._actions if isinstance(action, argparse._SubParsersAction)]
        within = choices[word]
    return within


def test_every_example_in_the_help_can_be_typed() -> None:
    """What the help shows as a command is one that the grammar takes."""
    examples = 0
    for words in COMMANDS:
        for line in (parser_of(words).epilog or "").splitlines():
            before, found, typed = line.partition("  tocsin ")
            if found and not before.strip():
                arguments = shlex.split(typed.split("   ")[0].split(" | ")[0])
                assert parser().parse_args(arguments).module
                examples += 1
    assert examples > 10


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("chek", "check"), ("demo fault latencey", "latency"), ("token crate", "create"), ("rule tets", "test")],
)
def test_a_mistyped_word_is_answered_with_the_nearest(run: Run, typed: str, meant: str) -> None:
    """Usage errors exit with 2 and say which word was probably meant."""
    ran = run(*typed.split())

    assert ran.code == 2
    assert f"did you mean {meant}?" in ran.complaint
    assert "--help tells more" in ran.complaint


@pytest.mark.parametrize("typed", ["dead list", "dead export", "token list", "silence list", "demo fault none"])
def test_options_are_taken_before_an_action_and_behind_it(typed: str) -> None:
    """Where one types them, they are; what was given before the action stays."""
    words = typed.split()
    before = parser().parse_args([words[0], "--config", "a.yml", *words[1:]])
    behind = parser().parse_args([*words, "--config", "a.yml"])
    assert before == behind
    assert str(before.config) == "a.yml"


def test_no_command_at_all_is_a_usage_error(run: Run) -> None:
    """Without a command nothing is started."""
    assert run().code == 2
