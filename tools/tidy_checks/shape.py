"""Sizes of functions, files and lines; `#pragma once`; namespace = folder."""

import ast
import re
from collections.abc import Iterator

from .source import Problem, Source, Tree, closing

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
LINE_COLUMNS_MAX = 100
# A reason for a file's size stands at its top.
FILE_REASON_LINES = 20

_REASON = re.compile(r"(//|#) size: \S")
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
_TEMPLATE_HEAD = re.compile(r"^\s*template\s*<")
_ATTRIBUTE = re.compile(r"\[\[.*?\]\]|\balignas\s*\([^()]*\)", re.DOTALL)
_TRANSPARENT = re.compile(
    r"^(?:typedef\b|static\b|inline\b|constexpr\b|friend\b|export\b|\s)*"
    r"(?:namespace|class|struct|union|enum|extern)\b"
)


def check(tree: Tree) -> list[Problem]:
    found = []
    for source in tree.sources:
        if not (source.is_cpp or source.is_python or source.is_shell):
            continue
        found += check_lines(source)
        found += check_functions(source)
        if source.is_cpp:
            found += check_cpp_frame(source)
    return found


def check_lines(source: Source) -> list[Problem]:
    found = []
    count = len(source.lines) - (source.lines[-1] == "")
    if count > FILE_LINES_MAX and not has_reason(source, 1, FILE_REASON_LINES):
        what = f"{count} lines in one file, more than {FILE_LINES_MAX}"
        found.append(Problem(source.path, 1, what, "split it, or say `size: why` at its top"))
    raw = source.raw_string_lines if source.is_cpp else set()
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_COLUMNS_MAX and number not in raw and "://" not in line:
            what = f"{len(line)} columns, more than {LINE_COLUMNS_MAX}"
            found.append(Problem(source.path, number, what, "break the line"))
    return found


def has_reason(source: Source, first: int, last: int) -> bool:
    return any(_REASON.search(line) for line in source.lines[first - 1 : last])


def check_functions(source: Source) -> list[Problem]:
    found = []
    for name, first, last in functions(source):
        lines = last - first + 1
        if lines <= FUNCTION_LINES_MAX or has_reason(source, comment_start(source, first), last):
            continue
        what = f"{name} has {lines} lines, more than {FUNCTION_LINES_MAX}"
        found.append(Problem(source.path, first, what, "split it, or say `size: why` beside it"))
    return found


def comment_start(source: Source, line: int) -> int:
    """The first line of the comment right above a line, else the line itself."""
    while line > 1 and re.match(r"\s*(//|#)", source.lines[line - 2]):
        line -= 1
    return line


def functions(source: Source) -> Iterator[tuple[str, int, int]]:
    """Name, first and last line of every outermost function."""
    if source.is_python:
        yield from python_functions(source)
    elif source.is_cpp:
        yield from cpp_functions(source)


def python_functions(source: Source) -> Iterator[tuple[str, int, int]]:
    try:
        tree = ast.parse(source.text)
    except SyntaxError:
        return  # the tests say it better
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, node.end_lineno or node.lineno


def cpp_functions(source: Source) -> Iterator[tuple[str, int, int]]:
    """Walks the braces outside of functions. It relies on clang-format's spacing: the brace of a
    body or a type has a space before it, the brace of an initializer stands at its name or `=`."""
    code = _PREPROCESSOR.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), source.code)
    at = head = parens = 0
    while at < len(code):
        c = code[at]
        if c in "([":
            parens += 1
        elif c in ")]":
            parens -= 1
        elif parens == 0 and c in ";}":
            head = at + 1
        elif c == "{":
            if parens > 0 or is_initializer(code, at):
                at = closing(code, at)
            elif is_transparent(code[head:at]):
                head = at + 1
            else:
                end = closing(code, at)
                first = head + len(code[head:at]) - len(code[head:at].lstrip())
                yield name_of(code[head:at]), source.line_of(first), source.line_of(end)
                at = end
                head = at + 1
        at += 1


def is_initializer(code: str, brace: int) -> bool:
    before = code[max(brace - 2, 0) : brace]
    return bool(re.search(r"[\w>\])=,{]$", before)) or bool(re.search(r"[=,]\s$", before))


def is_transparent(head: str) -> bool:
    """Whether a brace after this head holds declarations: a namespace or a type."""
    head = re.sub(r"^(\s*(public|private|protected)\s*:)+", "", _ATTRIBUTE.sub("", head)).strip()
    while template := _TEMPLATE_HEAD.match(head):
        depth, at = 0, template.end() - 1
        for at in range(template.end() - 1, len(head)):
            depth += (head[at] == "<") - (head[at] == ">" and head[at - 1] != "-")
            if depth == 0:
                break
        head = head[at + 1 :].lstrip()
    return _TRANSPARENT.match(head) is not None and not re.search(r"\)\s*(const|noexcept)?$", head)


def name_of(head: str) -> str:
    named = re.search(r"([\w:~]+|operator\W+)\s*\(", head)
    return named[1] if named else "a function"


def check_cpp_frame(source: Source) -> list[Problem]:
    found = []
    if source.path.endswith(".h"):
        first = next((l for l in source.code.split("\n") if l.strip()), "")
        if first.strip() != "#pragma once":
            what = "the first line of code is not #pragma once"
            found.append(Problem(source.path, 1, what, "start with it; no #ifndef guard"))
    parts = source.path.split("/")
    if parts[0] == "src" and len(parts) > 2 and parts[-1] != "main.cc":
        wanted = "parley" if parts[1] == "base" else f"parley::{parts[1]}"
        opened = re.findall(r"\bnamespace\s+([\w:]+)\s*\{", source.code)
        ours = [n for n in opened if n == "parley" or n.startswith("parley::")]
        if ours and not any(n == wanted or n.startswith(wanted + "::") for n in ours):
            what = f"namespace {ours[0]} in folder {parts[1]}"
            found.append(Problem(source.path, 1, what, f"use namespace {wanted}"))
    return found
