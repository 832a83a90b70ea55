"""Each rule of tools/tidy, on a small checkout made for it."""

import importlib.machinery
import importlib.util
import tempfile
import unittest
from pathlib import Path

TIDY = Path(__file__).resolve().parent / "tidy"
TABLE = """
| folder | what lives there | may include |
| --- | --- | --- |
| `base` (namespace `parley`) | values | – |
| `loop` | the loop | base |
| `net` | streams | loop |
| `contract` | descriptors | base |
| `gateway` | the root | all above |
"""


def load_tidy():
    loader = importlib.machinery.SourceFileLoader("tidy", str(TIDY))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", loader))
    loader.exec_module(module)
    return module


class TidyTest(unittest.TestCase):
    tidy = load_tidy()

    def problems(self, files: dict[str, str], table: str = TABLE) -> list[str]:
        """What tidy says about a checkout of these files."""
        with tempfile.TemporaryDirectory() as folder:
            for path, text in {"docs/architecture.md": table, **files}.items():
                file = Path(folder) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            return self.tidy.problems(Path(folder))

    def assert_clean(self, files: dict[str, str]):
        self.assertEqual(self.problems(files), [])

    def assert_says(self, files: dict[str, str], *starts: str):
        """Exactly these problems, each given by its beginning."""
        found = self.problems(files)
        self.assertEqual(len(found), len(starts), found)
        for problem, start in zip(found, starts):
            self.assertTrue(problem.startswith(start), f"{problem!r} does not start {start!r}")
            self.assertIn("; ", problem)


class Layers(TidyTest):
    def test_a_folder_may_include_what_its_rows_folders_may_include(self):
        self.assert_clean({"src/net/tcp.cc": '#include "base/bytes.h"\n#include "net/tcp.h"\n'})

    def test_an_upward_include_is_named(self):
        self.assert_says(
            {"src/base/bytes.cc": '#include <string>\n#include "net/tcp.h"\n'},
            "src/base/bytes.cc:2: base must not include net;",
        )

    def test_all_above_means_every_row_before(self):
        self.assert_clean({"src/gateway/a.cc": '#include "contract/model.h"\n'})

    def test_an_include_without_folder_is_named(self):
        self.assert_says({"src/net/tcp.cc": '#include "tcp.h"\n'}, 'src/net/tcp.cc:1: "tcp.h"')

    def test_a_folder_without_row_is_named(self):
        text = '#include "base/bytes.h"\n'
        self.assert_says({"src/extra/x.cc": text}, "src/extra/x.cc:1: src/extra has no row")

    def test_cmake_must_link_what_the_table_says(self):
        self.assert_says(
            {
                "src/base/CMakeLists.txt": "parley_folder(base LIBRARIES fmt::fmt)\n",
                "src/loop/CMakeLists.txt": "parley_folder(loop INCLUDES base)\n",
                "src/net/CMakeLists.txt": "parley_folder(net INCLUDES base LIBRARIES x)\n",
            },
            "src/net/CMakeLists.txt:1: INCLUDES and the table disagree about loop;",
        )

    def test_a_circle_in_the_table_is_named(self):
        table = "| `a` | x | b |\n| `b` | x | a |\n"
        self.assertEqual(len(self.problems({}, table)), 2)

    def test_a_table_that_cannot_be_read_is_named(self):
        self.assertEqual(len(self.problems({}, "# Architecture\n")), 1)


class Sizes(TidyTest):
    BODY = "  f();\n" * 80

    def test_a_long_function_is_named_at_its_first_line(self):
        text = f"namespace parley {{\n\nvoid run(int x = {{}}) {{\n{self.BODY}}}\n\n}}\n"
        self.assert_says({"src/base/x.cc": text}, "src/base/x.cc:3: run has 82 lines")

    def test_a_reason_above_or_inside_is_enough(self):
        above = f"// size: one case a row\nvoid run() {{\n{self.BODY}}}\n"
        inside = f"void run() {{\n  // size: one case a row\n{self.BODY}}}\n"
        self.assert_clean({"src/base/x.cc": above, "src/base/y.cc": inside})

    def test_a_size_without_reason_is_none(self):
        text = f"// size:\nvoid run() {{\n{self.BODY}}}\n"
        self.assert_says({"src/base/x.cc": text}, "src/base/x.cc:2: run has 82 lines")

    def test_classes_namespaces_and_tables_are_no_functions(self):
        members = "  int f() const;\n" * 80
        text = f"class A final : public B<(1)> {{\n{members}}};\n"
        rows = f"constexpr int kRows[] = {{\n{'  1,' * 1}\n" + "  1,\n" * 80 + "};\n"
        self.assert_clean({"src/base/x.cc": text, "src/base/y.cc": rows})

    def test_a_constructor_with_braced_members_is_measured(self):
        text = f"A::A(int a)\n    : a_(a), b_{{1}}, c_{{2}} {{\n{self.BODY}}}\n"
        self.assert_says({"src/base/x.cc": text}, "src/base/x.cc:1: A::A has 83 lines")

    def test_a_member_of_a_template_is_measured(self):
        head = "template <class T, class U = A<T>>\nstruct B {\n"
        text = f"{head}  void go() {{\n{self.BODY}  }}\n}};\n"
        self.assert_says({"src/base/x.cc": text}, "src/base/x.cc:3: go has 82 lines")

    def test_braces_in_text_do_not_count(self):
        text = "void a() {\n  f('{', \"}{\", R\"({{{)\", 1'000);  // {\n}\n" + "void b() {}\n" * 90
        self.assert_clean({"src/base/x.cc": text})

    def test_a_long_file_is_named(self):
        text = "int a();\n" * 501
        self.assert_says({"src/base/x.cc": text}, "src/base/x.cc:1: 501 lines in one file")
        self.assert_clean({"src/base/x.cc": "// size: one table\n" + text})

    def test_a_long_line_is_named_unless_nobody_can_break_it(self):
        long = "x" * 101
        self.assert_says({"src/base/x.cc": f"\n// {long}\n"}, "src/base/x.cc:2: 104 columns")
        self.assert_clean({"src/base/x.cc": f"// https://{long}\n"})
        self.assert_clean({"src/base/x.cc": f'auto a = R"(\n{long}\n)";\n'})

    def test_a_long_python_function_is_named(self):
        text = "def run():\n" + "    pass\n" * 80
        self.assert_says({"tests/x.py": text}, "tests/x.py:1: run has 81 lines")


class Frame(TidyTest):
    def test_a_header_starts_with_pragma_once(self):
        self.assert_clean({"src/base/x.h": "// What it is.\n#pragma once\n"})
        self.assert_says({"src/base/x.h": "#include <string>\n"}, "src/base/x.h:1: the first line")

    def test_the_namespace_is_the_folder(self):
        self.assert_clean({"src/net/x.cc": "namespace parley::net {\n}\n"})
        self.assert_clean({"src/base/x.cc": "namespace parley {\n}\n"})
        text = "namespace parley::tcp {\n}\n"
        self.assert_says({"src/net/x.cc": text}, "src/net/x.cc:1: namespace parley::tcp")


class Bans(TidyTest):
    def assert_banned(self, path: str, line: str, name: str):
        self.assert_says({path: line + "\n"}, f"{path}:1: `")
        self.assert_clean({path: f"// tidy: allow {name}: the test of the test\n{line}\n"})

    def test_shared_ownership_on_the_request_path(self):
        self.assert_banned("src/net/x.cc", "std::shared_ptr<int> a;", "shared_ptr")
        self.assert_clean({"src/contract/x.cc": "std::shared_ptr<int> a;\n"})

    def test_threads_and_locks(self):
        self.assert_banned("src/net/x.cc", "std::thread a;", "thread")
        self.assert_banned("src/net/x.cc", "std::mutex a;", "lock")
        self.assert_clean({"src/loop/x.cc": "std::thread a;\nstd::mutex b;\n"})

    def test_sleeps(self):
        self.assert_banned("src/net/x_test.cc", "std::this_thread::sleep_for(a);", "sleep")
        self.assert_clean({"src/net/x_test.cc": "co_await loop.sleep_for(a);\n"})
        self.assert_says({"tests/e2e/x_test.py": "time.sleep(1)\n"}, "tests/e2e/x_test.py:1: ")

    def test_time_and_chance_of_ones_own(self):
        self.assert_banned("src/net/x.cc", "auto a = std::chrono::steady_clock::now();", "clock")
        self.assert_banned("src/net/x.cc", "std::mt19937 a;", "random")

    def test_ends_of_the_process(self):
        self.assert_banned("src/net/x.cc", "assert(a);", "assert")
        self.assert_banned("src/net/x.cc", "std::abort();", "exit")
        self.assert_banned("src/net/x.cc", "throw 1;", "throw")
        self.assert_clean({"src/net/x.cc": "static_assert(a);\nPARLEY_ASSERT(a);\n"})

    def test_output_from_inside(self):
        self.assert_banned("src/net/x.cc", 'std::cout << "a";', "stream")
        self.assert_banned("src/net/x.cc", 'printf("a");', "printf")
        self.assert_clean({"src/net/x.cc": 'snprintf(a, b, "c");\n'})

    def test_language(self):
        self.assert_banned("src/net/x.cc", "using namespace std;", "using_namespace")
        self.assert_clean({"src/net/x.cc": "using namespace std::chrono_literals;\n"})
        self.assert_banned("src/net/x.cc", "std::regex a;", "regex")
        self.assert_banned("src/net/x.cc", "std::stoi(a);", "throwing_parse")
        self.assert_banned("src/net/x.cc", "std::tolower(a);", "locale")
        self.assert_banned("src/net/x.cc", "sprintf(a, b);", "c_string")

    def test_names_that_say_nothing(self):
        self.assert_banned("src/net/x.cc", "class CallManager {};", "name")
        self.assert_banned("src/net/x.cc", "struct StreamBase {};", "name")
        self.assert_clean({"src/net/x.cc": "class Database {};\nstruct Baseline {};\n"})

    def test_tests_that_do_not_run_or_say_nothing(self):
        self.assert_banned("src/net/x_test.cc", "GTEST_SKIP();", "skipped_test")
        self.assert_banned("src/net/x_test.cc", "TEST(A, DISABLED_b) {}", "skipped_test")
        self.assert_banned("src/net/x_test.cc", "TEST(A, ReadsAll) {}", "test_name")
        self.assert_clean({"src/net/x_test.cc": "TEST(Http1, rejects_two_lengths) {}\n"})

    def test_words(self):
        self.assert_banned("src/net/x.cc", "int downstream;", "downstream")
        self.assert_banned("src/net/x.cc", "// the back-end", "backend")
        self.assert_banned("src/net/x.cc", "// TO" + "DO: more", "unfinished")
        self.assert_banned("src/net/x.cc", "// see issue 12", "tracker")
        self.assert_banned("src/net/x.cc", '"/home/' + 'me/x"', "machine_path")

    def test_comments_and_strings_are_no_code(self):
        self.assert_clean({"src/net/x.cc": '// no std::thread here\nauto a = "assert(b)";\n'})

    def test_an_exception_needs_its_reason(self):
        text = "// tidy: allow regex:\nstd::regex a;\n"
        self.assert_says({"src/net/x.cc": text}, "src/net/x.cc:2: `std::regex`")


class CoroutineLambdas(TidyTest):
    def test_captures_are_named(self):
        text = "auto a = [&x, this](int y) -> Task<void> {\n  co_await f(x, y);\n};\n"
        self.assert_says({"src/net/x.cc": text}, "src/net/x.cc:1: `[&x, this]`")

    def test_arguments_are_fine(self):
        self.assert_clean({"src/net/x.cc": "auto a = [](X* x) -> Task<void> { co_await f(x); };\n"})

    def test_a_plain_lambda_may_capture(self):
        self.assert_clean({"src/net/x.cc": "void f() {\n  g([&] { return x[1] + y; });\n}\n"})

    def test_only_the_innermost_lambda_counts(self):
        text = "auto a = [&] { g([](X* x) -> Task<void> { co_return; }); };\n"
        self.assert_clean({"src/net/x.cc": text})

    def test_a_coroutine_around_a_capturing_lambda_is_fine(self):
        text = "Task<void> f() {\n  sort(v, [&](int a) { return a < x; });\n  co_return;\n}\n"
        self.assert_clean({"src/net/x.cc": text})


class Fuzzing(TidyTest):
    PARSER = "Result<int> parse_query(std::string_view text) {\n  return 1;\n}\n"
    TARGET = '#include "net/query.h"\n'

    def test_a_parser_needs_a_fuzz_target(self):
        self.assert_says({"src/net/query.cc": self.PARSER}, "src/net/query.cc:1: a parser without")
        self.assert_says({"src/net/row_parser.cc": "int a;\n"}, "src/net/row_parser.cc:1: a parser")

    def test_a_target_beside_it_or_one_that_includes_it_is_enough(self):
        seed = {"src/net/testdata/query_fuzz/one": "a=b"}
        self.assert_clean(
            {"src/net/query.cc": self.PARSER, "src/net/query_fuzz.cc": self.TARGET, **seed}
        )
        seed = {"src/net/testdata/all_fuzz/one": "a=b"}
        self.assert_clean(
            {"src/net/query.cc": self.PARSER, "src/net/all_fuzz.cc": self.TARGET, **seed}
        )

    def test_what_a_fuzzed_file_includes_of_its_folder_is_fuzzed_with_it(self):
        self.assert_clean(
            {
                "src/net/url.cc": '#include "net/query.h"\n',
                "src/net/query.cc": self.PARSER,
                "src/net/url_fuzz.cc": '#include "net/url.h"\n',
                "src/net/testdata/url_fuzz/one": "a=b",
            }
        )

    def test_a_target_needs_seeds(self):
        self.assert_says(
            {"src/net/query.cc": self.PARSER, "src/net/query_fuzz.cc": self.TARGET},
            "src/net/query_fuzz.cc:1: no seeds in src/net/testdata/query_fuzz/",
        )

    def test_a_helper_of_the_file_is_no_parser(self):
        text = "namespace {\n\nint parse_part(std::string_view text) {\n  return 1;\n}\n\n}\n"
        self.assert_clean({"src/net/x.cc": text})


if __name__ == "__main__":
    unittest.main()
