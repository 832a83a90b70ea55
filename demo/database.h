#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace shop {

// A value whose bytes are no text.
struct Blob {
  std::string_view bytes;
};

// The rows of one prepared statement; back to its start when it goes. Text and blobs are borrowed
// until the next `next()`. Call order: (next column*)*
class Rows {
 public:
  Rows(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  bool next();
  int64_t integer(int column) const;
  std::string_view text(int column) const;

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
};

// One SQLite file. All work goes through a Session, which holds the database's one mutex: a demo's
// queries take microseconds. A failure of the disk ends the process: there is nothing to save.
class Database {
 public:
  class Session {
   public:
    // `?1` is the first argument, and so on. Statements are prepared once and kept by their text,
    // so `sql` must not be put together from values. Not twice at a time with the same text.
    template <typename... Arguments>
    Rows query(const char* sql, const Arguments&... arguments) {
      return Rows(database_.db_, bound(sql, arguments...));
    }

    // For statements without rows: how many rows they changed.
    template <typename... Arguments>
    int64_t run(const char* sql, const Arguments&... arguments) {
      Rows rows(database_.db_, bound(sql, arguments...));
      rows.next();
      return database_.changes();
    }

    // The first column of the only row.
    template <typename... Arguments>
    int64_t integer(const char* sql, const Arguments&... arguments) {
      Rows rows(database_.db_, bound(sql, arguments...));
      return rows.next() ? rows.integer(0) : 0;
    }

    int64_t last_id() const;

   private:
    friend class Database;
    explicit Session(Database& database) : database_(database), lock_(database.mutex_) {}

    template <typename... Arguments>
    sqlite3_stmt* bound(const char* sql, const Arguments&... arguments) {
      sqlite3_stmt* statement = database_.prepared(sql);
      int index = 0;
      (bind(statement, ++index, arguments), ...);
      return statement;
    }
    template <typename Value>
    void bind(sqlite3_stmt* statement, int index, const Value& value) {
      if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>) {
        database_.bind_integer(statement, index, static_cast<int64_t>(value));
      } else if constexpr (std::is_same_v<Value, Blob>) {
        database_.bind_blob(statement, index, value.bytes);
      } else {
        database_.bind_text(statement, index, value);
      }
    }

    Database& database_;
    std::unique_lock<std::mutex> lock_;
  };

  // Everything done in a session until `commit`, or nothing.
  class Transaction {
   public:
    explicit Transaction(Session& session) : session_(session) { session_.run("BEGIN IMMEDIATE"); }
    ~Transaction() {
      if (!committed_) session_.run("ROLLBACK");
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit() {
      session_.run("COMMIT");
      committed_ = true;
    }

   private:
    Session& session_;
    bool committed_ = false;
  };

  // Opens or creates the file.
  explicit Database(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Session session() { return Session(*this); }

  // On a new file: runs `schema` (several statements), then `seed`, as one transaction, so that a
  // start that is cut short leaves nothing behind.
  template <typename Seed>
  void create(const char* schema, Seed seed) {
    Session session(*this);
    if (session.integer("PRAGMA user_version") != 0) return;
    Transaction transaction(session);
    execute(schema);
    seed(session);
    execute("PRAGMA user_version = 1");
    transaction.commit();
  }

 private:
  sqlite3_stmt* prepared(const char* sql);
  void bind_integer(sqlite3_stmt* statement, int index, int64_t value);
  void bind_text(sqlite3_stmt* statement, int index, std::string_view value);
  void bind_blob(sqlite3_stmt* statement, int index, std::string_view bytes);
  void execute(const char* sql);
  int64_t changes() const;
  [[noreturn]] void fail(const char* what) const;

  std::string file_;
  sqlite3* db_ = nullptr;
  std::mutex mutex_;
  std::unordered_map<std::string_view, sqlite3_stmt*> statements_;  // Guarded by mutex_.
};

}  // namespace shop
