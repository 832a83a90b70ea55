#include "gateway/file_watch.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "loop/task_set.h"

namespace parley::gateway {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

class FileWatchTest : public testing::Test {
 protected:
  FileWatchTest() {
    folder = fs::path(testing::TempDir()) / ("file_watch." + std::to_string(getpid()));
    fs::remove_all(folder);
    fs::create_directories(folder);
    tasks.spawn(count());
  }
  ~FileWatchTest() override {
    tasks.cancel_all();
    fs::remove_all(folder);
  }

  fs::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return folder / name;
  }
  loop::Task<void> count() {
    for (;;) {
      co_await watch.changed();
      ++changes;
    }
  }
  // Whether a change comes; `limit`: how long nothing has to come.
  bool comes(Duration limit = seconds(10)) {
    const int before = changes;
    const Instant end = clock.now() + limit;
    while (changes == before && clock.now() < end) loop.turn(end);
    return changes != before;
  }
  static constexpr Duration kLong = FileWatch::kQuiet * 5;

  SystemClock clock;
  std::unique_ptr<loop::Poller> poller = loop::make_epoll_poller();
  loop::Loop loop{clock, *poller};
  FileWatch watch{loop};
  fs::path folder;
  int changes = 0;
  loop::TaskSet tasks{loop};
};

TEST_F(FileWatchTest, tells_of_a_file_that_is_written_replaced_or_removed) {
  const fs::path file = write("parley.yaml", "one");
  watch.watch({file});
  write("parley.yaml", "three");
  EXPECT_TRUE(comes());
  fs::rename(write("other", "two"), file);
  EXPECT_TRUE(comes());
  fs::remove(file);
  EXPECT_TRUE(comes());
  write("parley.yaml", "again");
  EXPECT_TRUE(comes());
}

TEST_F(FileWatchTest, says_nothing_of_other_files) {
  watch.watch({write("parley.yaml", "one")});
  write("neighbour", "two");
  EXPECT_FALSE(comes(kLong));
}

TEST_F(FileWatchTest, sees_a_link_turn_on_the_way_to_the_file) {
  fs::create_directories(folder / "v1");
  fs::create_directories(folder / "v2");
  write("v1/parley.yaml", "one");
  write("v2/parley.yaml", "two");
  fs::create_directory_symlink("v1", folder / "data");
  fs::create_symlink("data/parley.yaml", folder / "parley.yaml");
  watch.watch({folder / "parley.yaml"});
  fs::create_directory_symlink("v2", folder / "data.new");
  fs::rename(folder / "data.new", folder / "data");
  EXPECT_TRUE(comes());
}

TEST_F(FileWatchTest, sees_a_file_in_a_folder_that_is_not_there_yet) {
  watch.watch({folder / "not/there/yet.proto"});
  EXPECT_FALSE(comes(kLong));
  fs::create_directories(folder / "not");
  EXPECT_FALSE(comes(kLong));
  fs::create_directories(folder / "not/there");
  write("not/there/yet.proto", "one");
  EXPECT_TRUE(comes());
}

TEST_F(FileWatchTest, sees_a_folder_go_and_come_back) {
  fs::create_directories(folder / "protos");
  watch.watch({write("protos/a.proto", "one")});
  fs::remove_all(folder / "protos");
  EXPECT_TRUE(comes());
  fs::create_directories(folder / "protos");
  EXPECT_FALSE(comes(kLong));
  write("protos/a.proto", "two");
  EXPECT_TRUE(comes());
}

TEST_F(FileWatchTest, sees_a_folder_take_the_place_of_another) {
  for (const char* name : {"protos", "protos.new"}) fs::create_directories(folder / name);
  watch.watch({write("protos/a.proto", "one")});
  write("protos.new/a.proto", "two");
  fs::rename(folder / "protos", folder / "protos.old");
  fs::rename(folder / "protos.new", folder / "protos");
  EXPECT_TRUE(comes());
  write("protos/a.proto", "three");
  EXPECT_TRUE(comes());
}

}  // namespace
}  // namespace parley::gateway
