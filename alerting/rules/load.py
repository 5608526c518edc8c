"""Rule files in, rules out. Called at start, at every reload and by `tocsin check`; reads files and nothing else.

The invariant: either all files are right and every alert name is unique, or ConfigError lists every fault and the
caller keeps the rules that it has.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alerting.rules import composite
from alerting.rules.composite import Composite
from alerting.rules.rule import Rule
from alerting.rules.slo import RULES_OF_A_SLO, Slo
from foundation import settings
from foundation.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """A rule file: rules as they are, objectives that come to some, and rules about rules."""

    rules: tuple[Rule, ...] = ()
    slos: tuple[Slo, ...] = ()
    composites: tuple[Composite, ...] = ()


def load(patterns: Iterable[Path | str], env: Mapping[str, str]) -> tuple[Rule, ...]:
    """The rules of every file that a pattern (`rules/*.yml`) matches, files in order of their names.

    A pattern with wildcards may match nothing; a plain path must be there. Raises ConfigError listing every fault.
    """
    rules: list[Rule] = []
    faults: list[str] = []
    for path in rule_files(patterns):
        try:
            rules += load_file(path, env)
        except ConfigError as error:
            faults += error.problems
    faults += _twins(rules)
    if not faults:
        faults += [f"{place(rule, rules)}: {what}" for rule, what in composite.faults(rules)]
    if faults:
        raise ConfigError(*faults)
    return tuple(rules)


def load_file(path: Path, env: Mapping[str, str]) -> tuple[Rule, ...]:
    """The rules of one file. Raises ConfigError listing every fault."""
    read = settings.load(RuleFile, path, env, prefix=None)
    if not read.rules and not path.read_bytes().strip():
        raise ConfigError(f"{path}: is empty; write `rules: []` to have no rules")
    made = (rule for slo in read.slos for rule in slo.rules)
    joint = (one.rule for one in read.composites)
    return tuple(rule.placed(str(path)) for rule in (*read.rules, *made, *joint))


def rule_files(patterns: Iterable[Path | str]) -> tuple[Path, ...]:
    """The files that the patterns name, each once."""
    found: dict[Path, None] = {}
    for pattern in map(str, patterns):
        matches = sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else [pattern]  # noqa: PTH207 - patterns may be absolute
        found |= dict.fromkeys(map(Path, matches))
    return tuple(found)


def place(rule: Rule, rules: Sequence[Rule]) -> str:
    """File and line at which a rule begins; settings have read the file, so it has the shape that is asked for."""
    number = next(n for n, own in enumerate(own for own in rules if own.file == rule.file) if own is rule)
    root: Any = yaml.compose(Path(rule.file).read_text(encoding="utf-8"), yaml.SafeLoader)
    lists = {key.value: value.value for key, value in root.value}
    made = (slo for slo in lists.get("slos", ()) for _ in range(RULES_OF_A_SLO))
    places = [*lists.get("rules", ()), *made, *lists.get("composites", ())]
    return f"{rule.file}:{places[number].start_mark.line + 1}"


def _twins(rules: Sequence[Rule]) -> list[str]:
    first: dict[str, Rule] = {}
    faults = []
    for rule in rules:
        twin = first.setdefault(rule.alert, rule)
        if twin is not rule:
            here, other = place(rule, rules), place(twin, rules)
            faults.append(f"{here}: alert {rule.alert} is already defined in {other}; names of alerts must be unique")
    return faults
