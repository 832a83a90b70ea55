#include "database.h"

#include <cstdio>
#include <cstdlib>

#include <sqlite3.h>

namespace shop {

constexpr int busy_timeout_ms = 5000;

Rows::~Rows() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Rows::next() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  std::fprintf(stderr, "shop: %s: %s\n", sqlite3_sql(statement_), sqlite3_errmsg(db_));
  std::_Exit(1);
}

int64_t Rows::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Rows::text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return {static_cast<const char*>(data), static_cast<size_t>(size)};
}

int64_t Database::Session::last_id() const { return sqlite3_last_insert_rowid(database_.db_); }

Database::Database(const std::filesystem::path& file) : file_(file.string()) {
  if (sqlite3_open(file_.c_str(), &db_) != SQLITE_OK) fail("open");
  sqlite3_busy_timeout(db_, busy_timeout_ms);
  execute("PRAGMA journal_mode = WAL");
  execute("PRAGMA synchronous = NORMAL");
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

sqlite3_stmt* Database::prepared(const char* sql) {
  auto [place, inserted] = statements_.try_emplace(sql, nullptr);
  if (inserted && sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &place->second,
                                     nullptr) != SQLITE_OK) {
    fail(sql);
  }
  return place->second;
}

void Database::bind_integer(sqlite3_stmt* statement, int index, int64_t value) {
  if (sqlite3_bind_int64(statement, index, value) != SQLITE_OK) fail(sqlite3_sql(statement));
}

void Database::bind_text(sqlite3_stmt* statement, int index, std::string_view value) {
  const int result = sqlite3_bind_text64(statement, index, value.empty() ? "" : value.data(),
                                         value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (result != SQLITE_OK) fail(sqlite3_sql(statement));
}

void Database::bind_blob(sqlite3_stmt* statement, int index, std::string_view bytes) {
  const int result = sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : bytes.data(),
                                         bytes.size(), SQLITE_TRANSIENT);
  if (result != SQLITE_OK) fail(sqlite3_sql(statement));
}

void Database::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
}

int64_t Database::changes() const { return sqlite3_changes64(db_); }

void Database::fail(const char* what) const {
  std::fprintf(stderr, "shop: %s: %s: %s\n", file_.c_str(), what, sqlite3_errmsg(db_));
  std::_Exit(1);
}

}  // namespace shop
