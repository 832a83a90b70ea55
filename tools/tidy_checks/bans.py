"""What must not be written, each with its reason and what to write instead."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .source import Problem, Source, Tree, closing

# Folders whose code runs for requests, on one shard.
REQUEST_PATH = (
    "http", "wire", "call", "upstream", "edge", "policy", "door", "graph", "net", "loop",
)
# Folders in which threads are made and meet.
SHARDS_MEET = ("loop", "gateway")


@dataclass(frozen=True)
class Ban:
    name: str  # for `tidy: allow NAME: why`
    pattern: str
    where: Callable[[Source], bool]
    why: str
    instead: str
    in_comments: bool = False


def cpp(source: Source) -> bool:
    return source.is_cpp


def src(*folders: str, but: tuple[str, ...] = ()) -> Callable[[Source], bool]:
    """C++ in these folders of src/ (all when none is named), without tests and `but`."""

    def matches(source: Source) -> bool:
        parts = source.path.split("/")
        if parts[0] != "src" or not source.is_cpp or source.is_test or len(parts) < 3:
            return False
        return parts[1] in folders if folders else not source.path.startswith(but)

    return matches


def in_src(source: Source) -> bool:
    return source.path.startswith("src/")


def tests(source: Source) -> bool:
    return source.is_cpp and source.is_test


def python_tests(source: Source) -> bool:
    return source.path.endswith("_test.py") and not source.path.startswith("tools/tidy")


def everywhere(source: Source) -> bool:
    # The files that hold the words, and the text of the licence.
    return not source.path.startswith(("tools/tidy", "LICENSE"))


WAIT = r"\bstd::this_thread::sleep_\w+|\b(?:usleep|nanosleep|sleep)\s*\("

BANS = [
    # One owner, one thread.
    Ban("shared_ptr", r"\bstd::(?:shared_ptr|make_shared|weak_ptr)\b|\bshared_from_this\b",
        src(*REQUEST_PATH),
        "shared ownership on the request path: nobody knows when it ends",
        "give it one owner (unique_ptr, a member) and lend references; share data as Bytes"),
    Ban("thread", r"\bstd::(?:thread|jthread|async)\b|\bpthread_create\b",
        src(but=tuple(f"src/{folder}/" for folder in SHARDS_MEET)),
        "a thread outside of loop and gateway",
        "run a Task on the shard, or hand blocking work to offload"),
    Ban("lock", r"\bstd::(?:\w*mutex|lock_guard|unique_lock|scoped_lock|condition_variable\w*)\b",
        src(*(f for f in REQUEST_PATH if f not in SHARDS_MEET)),
        "a lock on the request path, where each shard owns what it touches",
        "keep the state on its shard, or send a message to the shard that owns it"),
    Ban("sleep", WAIT, lambda s: s.is_cpp and in_src(s),
        "a sleep: it blocks the shard, or makes a test slow and flaky",
        "await a timer of the loop; in a test advance the manual clock"),
    Ban("sleep", r"\btime\.sleep\s*\(", python_tests,
        "a sleep in a test: slow when it suffices, flaky when it does not",
        "wait for the event with a deadline (wait_until of the test harness)"),
    # Time and chance are handed in, so that a seed replays a run.
    Ban("clock", r"\b(?:steady|system|high_resolution)_clock::now\b"
        r"|\b(?:gettimeofday|clock_gettime|std::time)\s*\(",
        src(but=("src/base/clock", "src/loop/", "src/cli/")),
        "reads the machine's clock", "take a Clock&"),
    Ban("random", r"\bstd::(?:random_device|mt19937\w*|default_random_engine)\b|\bs?rand\s*\(",
        src(but=("src/base/random",)), "chance of its own", "take a Random&"),
    # Failures are values; bugs abort with their place.
    Ban("assert", r"(?<![\w.])assert\s*\(|<cassert>|<assert\.h>",
        lambda s: s.is_cpp and in_src(s),
        "assert vanishes from the optimised build",
        "use PARLEY_ASSERT for our own bugs, a Failure for what a peer can send"),
    Ban("throw", r"\bthrow\b", src(),
        "an exception as an answer", "return a Failure in a Result"),
    Ban("exit",
        r"\bstd::(?:abort|exit|quick_exit|terminate)\s*\(|(?<![\w.>])(?:exit|_exit|_Exit)\s*\(",
        src(but=("src/base/assert", "src/loop/", "src/cli/")),
        "ends the process from inside", "return a Failure; PARLEY_ASSERT for a bug"),
    Ban("throwing_parse",
        r"\bstd::sto(?:i|l|ll|ul|ull|f|d|ld)\b|\b(?:ato[ifl]|atoll|strto\w+)\s*\(",
        lambda s: s.is_cpp and in_src(s),
        "parses loosely: it skips spaces, stops early, throws or knows locales",
        "use std::from_chars and check that it took everything"),
    # Output has its places.
    Ban("stream", r"\bstd::(?:cout|cerr|clog|cin)\b|<iostream>", src(but=("src/cli/",)),
        "writes to the terminal from inside", "return text, or a log record (observe)"),
    Ban("printf", r"\b(?:std::)?(?:v?f?printf|f?puts|putchar|perror)\s*\(|\bfmt::print(?:ln)?\b",
        src(but=("src/cli/", "src/base/assert")),
        "writes to the terminal from inside",
        "return text (fmt::format), or a log record (observe)"),
    # Language.
    Ban("using_namespace", r"\busing\s+namespace\s+(?!std::(?:\w+_)?literals\b)",
        lambda s: s.is_cpp and not s.path.endswith("_fuzz.cc"),
        "a whole namespace opened", "name what is used"),
    Ban("regex", r"\bstd::w?(?:regex\w*|smatch|cmatch)\b|<regex>", cpp,
        "std::regex recurses on its input", "write a small parser, or use RE2"),
    Ban("locale",
        r"\bstd::(?:is(?:alpha|digit|alnum|space|xdigit|upper|lower|print|punct)|tolower|toupper"
        r"|locale)\b|\bsetlocale\s*\(", src(),
        "depends on the locale", "use base/ascii.h"),
    Ban("c_string", r"\b(?:strcpy|strcat|strtok|sprintf|vsprintf|alloca)\s*\(", cpp,
        "writes without knowing how much fits", "use std::string, fmt::format or a span"),
    Ban("name", r"\b(?:class|struct)\s+(?:\[\[\w+\]\]\s*)?(?:\w+::)*"
        r"[A-Z]\w*(?:Manager|Helper|Helpers|Util|Utils|Impl|Base)\b(?!\s*;)", cpp,
        "a name that says nothing about the thing", "name what it is, or what it does"),
    # Tests.
    Ban("skipped_test", r"\bGTEST_SKIP\b|\bDISABLED_\w", tests,
        "a test that does not run", "mend it or delete it; a missing tool is a failure"),
    Ban("test_name",
        r"\bTEST(?:_F|_P)?\s*\(\s*\w+\s*,\s*(?!DISABLED_)(?:[A-Z]\w*|\w*[a-z][A-Z]\w*)",
        tests, "a test's name is no behaviour",
        "say it in words: TEST(PathTemplate, rejects_two_double_stars)"),
    # Words.
    Ban("downstream", r"(?i)\bdownstreams?\b", in_src,
        "a word with two meanings", "say client (or the layer's name)", True),
    Ban("backend", r"(?i)\bback-?ends?\b", in_src,
        "a second word for one thing", "say upstream", True),
    Ban("unfinished", r"\b(?:TODO|FIXME|XXX|HACK)\b", everywhere,
        "unfinished business in the source", "do it, or leave it out", True),
    Ban("machine_path", r"(?<![\w.])/(?:work|home/[a-z]\w*|Users/\w+)/", everywhere,
        "a path of one machine", "use a path from the root of the checkout", True),
    Ban("registry",
        r"(?i)\b(?:registry\.(?:npmjs|yarnpkg)\.\w+|proxy\.golang\.org|pypi\.org/simple"
        r"|files\.pythonhosted\.org|(?:deb|security|snapshot)\.debian\.org)\b"
        r"|//[^\s/\"']*(?:artifactory|nexus|registry-?mirror)[^\s/\"']*", everywhere,
        "names a package registry", "leave it to the machine's own settings", True),
    Ban("tracker", r"(?i)\bissues?\s+#?\d+\b|(?<![\w&])#\d+\b(?!['\"])", in_src,
        "a number that only a tracker understands", "say the reason itself", True),
]


def check(tree: Tree) -> list[Problem]:
    found = []
    for source in tree.sources:
        for ban in BANS:
            if ban.where(source):
                found += check_ban(source, ban)
        if source.is_cpp:
            found += check_coroutine_lambdas(source)
    return found


def check_ban(source: Source, ban: Ban) -> list[Problem]:
    text = source.code if source.is_cpp and not ban.in_comments else source.text
    found = []
    for match in re.finditer(ban.pattern, text):
        line = source.line_of(match.start())
        if not source.allows(ban.name, line):
            shown = " ".join(match.group().split())
            found.append(Problem(source.path, line, f"`{shown}`: {ban.why}", ban.instead))
    return found


_LAMBDA = re.compile(r"(?<![\w\])\[])\s*\[(?!\[)(?P<captures>[^\[\]]*)\](?=\s*[({<])")
_COROUTINE = re.compile(r"\bco_(?:await|return|yield)\b")


def check_coroutine_lambdas(source: Source) -> list[Problem]:
    """A lambda's captures live in the lambda, which dies before the coroutine that it started."""
    spans = [s for match in _LAMBDA.finditer(source.code) if (s := lambda_span(source, match))]
    found = []
    for start, body, end, captures in spans:
        text = source.code[body:end]
        for inner_start, _, inner_end, _ in spans:
            if body < inner_start and inner_end <= end:
                a, b = inner_start - body, inner_end - body
                text = text[:a] + " " * (b - a) + text[b:]
        line = source.line_of(start)
        if captures and _COROUTINE.search(text) and not source.allows("coroutine_lambda", line):
            what = f"`[{captures}]`: a coroutine lambda outlives its captures"
            instead = "write a member function, or pass arguments"
            found.append(Problem(source.path, line, what, instead))
    return found


def lambda_span(source: Source, match: re.Match) -> tuple[int, int, int, str] | None:
    """Start, start of the body, end and captures; None for what only looks like a lambda."""
    code, at = source.code, match.end()
    start = match.start("captures") - 1
    parameters = re.compile(r"\s*(?:<[^<>]*>\s*)?\(").match(code, at)
    if parameters:
        at = closing(code, parameters.end() - 1) + 1
    specifiers = re.compile(r"[\w\s:<>,&*()-]*\{").match(code, at)
    if specifiers is None:
        return None
    body = specifiers.end() - 1
    return start, body, closing(code, body) + 1, " ".join(match["captures"].split())
