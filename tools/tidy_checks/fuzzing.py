"""Every parser of bytes from outside has a fuzz target, and every fuzz target has seeds."""

import re

from .source import Problem, Source, Tree

# A file is a parser by its name, or because it defines one of these functions over raw text.
_PARSER_NAME = re.compile(r"(?:^|_)(?:parser?|decoder|reader|lexer)\.cc$")
_PARSER_FUNCTION = re.compile(
    r"^[\w:<>,\s*&]*?\b(?:\w+::)*(?:parse|decode)\w*\s*\(\s*"
    r"(?:const\s+)?(?:std::string_view|std::span<const\s|Bytes\b|std::string\s*&)",
    re.MULTILINE,
)
# What reads arguments and values that Parley's own operator wrote is no parser of outside bytes.
_TRUSTED_FOLDERS = {"cli"}


def check(tree: Tree) -> list[Problem]:
    sources = [s for s in tree.cpp if s.path.startswith("src/")]
    targets = [s for s in sources if s.path.endswith("_fuzz.cc")]
    fuzzed = reached_from(targets, sources)
    found = []
    for source in sources:
        line = parser_line(source)
        if line is None or stem(source) in fuzzed or source.allows("fuzz", line):
            continue
        name = stem(source).split("/")[-1]
        what = "a parser without a fuzz target"
        instead = f"add {name}_fuzz.cc beside it, or include its header in a *_fuzz.cc"
        found.append(Problem(source.path, line, what, instead))
    return found + check_seeds(tree, targets)


def stem(source: Source) -> str:
    return source.path.rsplit(".", 1)[0]


def reached_from(targets: list[Source], sources: list[Source]) -> set[str]:
    """The stems that a fuzz target of their own folder reaches, over any number of #includes."""
    included: dict[str, set[str]] = {}
    for source in sources:
        if source in targets or not source.is_test:
            headers = re.findall(r'^#include "([^"]+)\.h"', source.text, re.MULTILINE)
            included.setdefault(stem(source), set()).update(f"src/{h}" for h in headers)
    reached = set()
    for target in targets:
        folder = target.path.rsplit("/", 1)[0]
        waiting = [stem(target), stem(target).removesuffix("_fuzz")]
        while waiting:
            at = waiting.pop()
            if at not in reached and at.rsplit("/", 1)[0] == folder:
                reached.add(at)
                waiting += included.get(at, ())
    return reached


def parser_line(source: Source) -> int | None:
    """Where a file shows that it is a parser; None if it is none."""
    folder, name = source.path.split("/")[1], source.path.split("/")[-1]
    if folder in _TRUSTED_FOLDERS or source.is_test or not name.endswith(".cc"):
        return None
    match = exported_parser(source)
    if match:
        return source.line_of(match.end())
    return 1 if _PARSER_NAME.search(name) else None


def exported_parser(source: Source) -> re.Match | None:
    """A parser that others call: defined outside of an unnamed namespace."""
    public = re.sub(
        r"^namespace \{$.*?^\}.*?$",
        lambda m: re.sub(r"[^\n]", " ", m.group()),
        source.code,
        flags=re.MULTILINE | re.DOTALL,
    )
    return _PARSER_FUNCTION.search(public)


def check_seeds(tree: Tree, targets: list[Source]) -> list[Problem]:
    found = []
    for target in targets:
        folder, name = target.path.rsplit("/", 1)
        seeds = f"{folder}/testdata/{name.removesuffix('.cc')}/"
        if not any(path.startswith(seeds) for path in tree.files):
            what = f"no seeds in {seeds}"
            found.append(Problem(target.path, 1, what, "add one small input for each shape"))
    return found
