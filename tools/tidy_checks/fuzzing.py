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
    found = []
    for source in sources:
        if is_parser(source) and not any(covers(target, source) for target in targets):
            line = parser_line(source)
            if not source.allows("fuzz", line):
                name = source.path.removesuffix(".cc").split("/")[-1]
                what = "a parser without a fuzz target"
                instead = f"add {name}_fuzz.cc beside it, or include its header in a *_fuzz.cc"
                found.append(Problem(source.path, line, what, instead))
    return found + check_seeds(tree, targets)


def is_parser(source: Source) -> bool:
    folder = source.path.split("/")[1]
    name = source.path.split("/")[-1]
    if folder in _TRUSTED_FOLDERS or re.search(r"_(test|fuzz|fake|bench)\.cc$", name):
        return False
    if not name.endswith(".cc"):
        return False
    return bool(_PARSER_NAME.search(name) or exported_parser(source))


def exported_parser(source: Source) -> re.Match | None:
    """A parser that others call: defined outside of an unnamed namespace."""
    public = re.sub(
        r"^namespace \{$.*?^\}.*?$",
        lambda m: re.sub(r"[^\n]", " ", m.group()),
        source.code,
        flags=re.MULTILINE | re.DOTALL,
    )
    return _PARSER_FUNCTION.search(public)


def parser_line(source: Source) -> int:
    match = exported_parser(source)
    return source.line_of(match.end()) if match else 1


def covers(target: Source, source: Source) -> bool:
    """By its name, or by including the parser's header."""
    stem = source.path.removesuffix(".cc")
    if target.path == f"{stem}_fuzz.cc":
        return True
    return f'#include "{stem.removeprefix("src/")}.h"' in target.text


def check_seeds(tree: Tree, targets: list[Source]) -> list[Problem]:
    found = []
    for target in targets:
        folder, name = target.path.rsplit("/", 1)
        seeds = f"{folder}/testdata/{name.removesuffix('.cc')}/"
        if not any(path.startswith(seeds) for path in tree.files):
            what = f"no seeds in {seeds}"
            found.append(Problem(target.path, 1, what, "add one small input for each shape"))
    return found
