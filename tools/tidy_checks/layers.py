"""Who may include whom: the table in docs/architecture.md, for #include lines and for CMake."""

import re

from .source import Problem, Tree

TABLE = "docs/architecture.md"
_ROW = re.compile(r"^\|\s*`(?P<folder>\w+)`[^|]*\|[^|]*\|(?P<allowed>[^|]*)\|\s*$")
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
_CMAKE = re.compile(r"parley_folder\((\w+)([^)]*)\)")


def read_table(text: str) -> dict[str, set[str]]:
    """Folder to the folders named in its row; `all above` is every row before it."""
    rows: dict[str, set[str]] = {}
    for line in text.split("\n"):
        row = _ROW.match(line)
        if row is None:
            continue
        if "all above" in row["allowed"]:
            rows[row["folder"]] = set(rows)
        else:
            rows[row["folder"]] = set(re.findall(r"\w+", row["allowed"]))
    return rows


def closure(rows: dict[str, set[str]]) -> dict[str, set[str]]:
    """Folder to every folder that it may include, itself among them."""
    closed = {folder: {folder} | allowed for folder, allowed in rows.items()}
    for _ in rows:
        for reached in closed.values():
            for folder in list(reached):
                reached |= closed.get(folder, set())
    return closed


def check(tree: Tree) -> list[Problem]:
    table = tree.root / TABLE
    if not table.exists():
        return [Problem(TABLE, 1, "the folder table is missing", "add it: folder, what, includes")]
    rows = read_table(table.read_text(encoding="utf-8"))
    if not rows:
        return [Problem(TABLE, 1, "no folder table found", "write rows like | `base` | what | – |")]
    closed = closure(rows)
    return check_table(rows, closed) + check_includes(tree, closed) + check_cmake(tree, closed)


def check_table(rows: dict[str, set[str]], closed: dict[str, set[str]]) -> list[Problem]:
    found = []
    for folder, allowed in rows.items():
        for name in sorted(allowed - rows.keys()):
            what = f"`{folder}` includes `{name}`, which has no row"
            found.append(Problem(TABLE, 1, what, "add the row"))
        if any(folder in closed[name] for name in allowed & rows.keys()):
            found.append(Problem(TABLE, 1, f"`{folder}` reaches itself", "break the circle"))
    return found


def check_includes(tree: Tree, closed: dict[str, set[str]]) -> list[Problem]:
    found = []
    for source in tree.cpp:
        if not source.path.startswith("src/"):
            continue
        folder = source.path.split("/")[1]
        for line, text in enumerate(source.lines, 1):
            include = _INCLUDE.match(text)
            if include is None or include[1].endswith(".pb.h"):
                continue
            problem = judge_include(folder, include[1], closed)
            if problem and not source.allows("layer", line):
                found.append(Problem(source.path, line, *problem))
    return found


def judge_include(folder: str, path: str, closed: dict[str, set[str]]) -> tuple[str, str] | None:
    target = path.split("/")[0]
    if "/" not in path:
        return f'"{path}" names no folder', f'write "{folder}/{path}", or <> for a library'
    if folder not in closed:
        return f"src/{folder} has no row in {TABLE}", "add the row: it decides what may be included"
    if target not in closed:
        return f"{target}/ is no folder of src/", f"use <{path}> for a library's header"
    if target not in closed[folder]:
        may = ", ".join(sorted(closed[folder] - {folder})) or "nothing"
        return (
            f"{folder} must not include {target}",
            f"move the code, or hand the thing in from above ({folder} may include {may})",
        )
    return None


def check_cmake(tree: Tree, closed: dict[str, set[str]]) -> list[Problem]:
    """The libraries must be linked as the table says, or the table would be a wish."""
    found = []
    linked = {}
    for path in sorted((tree.root / "src").glob("*/CMakeLists.txt")):
        call = _CMAKE.search(path.read_text(encoding="utf-8"))
        if call is None:
            continue
        includes = re.search(r"INCLUDES((?:\s+[a-z_]+)*)", call[2])
        linked[call[1]] = set(includes[1].split()) if includes else set()
    reached = closure(linked)
    for folder, folders in linked.items():
        path = f"src/{folder}/CMakeLists.txt"
        if folder not in closed:
            found.append(Problem(path, 1, f"`{folder}` has no row in {TABLE}", "add the row"))
        elif reached[folder] != closed[folder]:
            differing = ", ".join(sorted(reached[folder] ^ closed[folder]))
            what = f"INCLUDES and the table disagree about {differing}"
            found.append(Problem(path, 1, what, f"make it the row of `{folder}` in {TABLE}"))
    return found
