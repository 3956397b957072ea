#include "store/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <mutex>

#include "store/limits.h"

namespace slipway::store {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kBusyMilliseconds = 5000;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// A use of a prepared statement; leaves it clean for the next one.
class Use {
 public:
  explicit Use(const Statement& statement) : statement_(statement.get()) {}
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  // The text must outlive the use.
  void bind(int index, std::string_view text) {
    sqlite3_bind_text64(statement_, index, text.data(), text.size(), nullptr, SQLITE_UTF8);
  }
  void bind(int index, std::int64_t number) { sqlite3_bind_int64(statement_, index, number); }
  int step() { return sqlite3_step(statement_); }
  std::string text(int column) {
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return bytes == nullptr ? std::string()
                            : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  std::int64_t number(int column) { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_;
};

tl::unexpected<Error> database_error(sqlite3* database, std::string_view what) {
  const int code = sqlite3_errcode(database);
  const std::string message = fmt::format("the state database cannot {}: {}", what, sqlite3_errmsg(database));
  switch (code & 0xff) {
    case SQLITE_FULL:
      return fail(ErrorCode::kResourceExhausted, message + ": free some disk space");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
      return fail(ErrorCode::kUnavailable, message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fail(ErrorCode::kInternal, message + ": put back a copy of the file from before");
    default:
      return fail(ErrorCode::kInternal, message);
  }
}

Status execute(sqlite3* database, const char* sql, std::string_view what) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return database_error(database, what);
  return {};
}

Result<Statement> prepare(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK) {
    return database_error(database, "prepare a statement");
  }
  return Statement(statement);
}

// Every key with the prefix is less than this one, and every greater key has another prefix. Empty: there is no bound.
std::string after_prefix(std::string_view prefix) {
  std::string bound(prefix);
  while (!bound.empty() && static_cast<unsigned char>(bound.back()) == 0xff) bound.pop_back();
  if (!bound.empty()) bound.back() = static_cast<char>(static_cast<unsigned char>(bound.back()) + 1);
  return bound;
}

class SqliteStore final : public Store {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& path);

  Result<Document> get(std::string_view key) override {
    const std::lock_guard lock(mutex_);
    Use use(get_);
    use.bind(1, key);
    switch (use.step()) {
      case SQLITE_ROW:
        return Document{use.text(0), use.text(1), use.number(2)};
      case SQLITE_DONE:
        return no_such_document(key);
      default:
        return database_error(database_.get(), "read a document");
    }
  }

  Result<std::vector<Document>> list(std::string_view prefix) override {
    const std::lock_guard lock(mutex_);
    const std::string bound = after_prefix(prefix);
    Use use(bound.empty() ? list_from_ : list_between_);
    use.bind(1, prefix);
    if (!bound.empty()) use.bind(2, bound);
    std::vector<Document> result;
    int code = use.step();
    for (; code == SQLITE_ROW; code = use.step()) {
      result.push_back({use.text(0), use.text(1), use.number(2)});
    }
    if (code != SQLITE_DONE) return database_error(database_.get(), "list documents");
    return result;
  }

  Result<std::int64_t> commit(const Transaction& transaction) override {
    SLIPWAY_TRY(check_limits(transaction));
    const std::lock_guard lock(mutex_);
    SLIPWAY_TRY(execute(database_.get(), "BEGIN IMMEDIATE", "begin a transaction"));
    auto revision = apply(transaction);
    if (revision) {
      const Status committed = execute(database_.get(), "COMMIT", "commit a transaction");
      if (!committed) revision = fail(committed.error());
    }
    // A failed COMMIT may leave the transaction open, or may have ended it.
    if (!revision && sqlite3_get_autocommit(database_.get()) == 0) {
      SLIPWAY_TRY(execute(database_.get(), "ROLLBACK", "roll back a transaction"));
    }
    return revision;
  }

 private:
  Result<std::int64_t> apply(const Transaction& transaction) {
    for (const auto& condition : transaction.conditions) {
      SLIPWAY_ASSIGN(const std::int64_t found, revision_of(condition.key));
      if (found != condition.revision) return condition_broken(condition, found);
    }
    std::int64_t revision = 0;
    {
      Use use(advance_);
      if (use.step() != SQLITE_ROW) return database_error(database_.get(), "advance its revision");
      revision = use.number(0);
      if (use.step() != SQLITE_DONE) return database_error(database_.get(), "advance its revision");
    }
    for (const std::string& key : transaction.deletes) {
      Use use(delete_);
      use.bind(1, key);
      if (use.step() != SQLITE_DONE) return database_error(database_.get(), "delete a document");
    }
    for (const auto& put : transaction.puts) {
      Use use(put_);
      use.bind(1, put.key);
      use.bind(2, put.value);
      use.bind(3, revision);
      if (use.step() != SQLITE_DONE) return database_error(database_.get(), "write a document");
    }
    return revision;
  }

  Result<std::int64_t> revision_of(std::string_view key) {
    Use use(revision_);
    use.bind(1, key);
    const int code = use.step();
    if (code == SQLITE_ROW) return use.number(0);
    if (code == SQLITE_DONE) return 0;
    return database_error(database_.get(), "read a revision");
  }

  Status prepare_all() {
    SLIPWAY_ASSIGN(get_, prepare(database_.get(), "SELECT key, value, revision FROM documents WHERE key = ?1"));
    SLIPWAY_ASSIGN(list_from_,
                   prepare(database_.get(), "SELECT key, value, revision FROM documents WHERE key >= ?1 ORDER BY key"));
    SLIPWAY_ASSIGN(list_between_,
                   prepare(database_.get(),
                           "SELECT key, value, revision FROM documents WHERE key >= ?1 AND key < ?2 ORDER BY key"));
    SLIPWAY_ASSIGN(revision_, prepare(database_.get(), "SELECT revision FROM documents WHERE key = ?1"));
    SLIPWAY_ASSIGN(advance_, prepare(database_.get(), "UPDATE head SET revision = revision + 1 RETURNING revision"));
    SLIPWAY_ASSIGN(delete_, prepare(database_.get(), "DELETE FROM documents WHERE key = ?1"));
    SLIPWAY_ASSIGN(put_, prepare(database_.get(),
                                 "INSERT INTO documents (key, value, revision) VALUES (?1, ?2, ?3) "
                                 "ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = "
                                 "excluded.revision"));
    return {};
  }

  std::mutex mutex_;
  Database database_;  // outlives the statements: members are destroyed from the last to the first
  Statement get_, list_from_, list_between_, revision_, advance_, delete_, put_;
};

// The mode of the -wal and -shm files follows the database's.
Status make_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("the state database {} cannot be opened: {}", path, std::strerror(errno)));
  }
  const bool is_private = ::fchmod(file, S_IRUSR | S_IWUSR) == 0;
  ::close(file);
  if (is_private) return {};
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("the state database {} belongs to another user: its mode cannot be set to 0600", path));
}

Result<std::int64_t> query_number(sqlite3* database, std::string_view sql) {
  SLIPWAY_ASSIGN(const Statement statement, prepare(database, sql));
  Use use(statement);
  if (use.step() != SQLITE_ROW) return database_error(database, "be read");
  return use.number(0);
}

Status check_integrity(sqlite3* database, const std::string& path) {
  SLIPWAY_ASSIGN(const Statement statement, prepare(database, "PRAGMA quick_check(1)"));
  Use use(statement);
  if (use.step() != SQLITE_ROW) return database_error(database, "be checked");
  const std::string verdict = use.text(0);
  if (verdict == "ok") return {};
  return fail(ErrorCode::kInternal,
              fmt::format("the state database {} is damaged ({}): put back a copy of it from before", path, verdict));
}

Status bring_to_schema(sqlite3* database, const std::string& path) {
  SLIPWAY_ASSIGN(const std::int64_t version, query_number(database, "PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return fail(ErrorCode::kPreconditionFailed,
                fmt::format("the state database {} has version {}, written by a newer Slipway; this one knows {}: "
                            "use the newer program",
                            path, version, kSchemaVersion));
  }
  if (version == kSchemaVersion) return {};
  const std::string sql = fmt::format(
      "BEGIN IMMEDIATE;"
      "CREATE TABLE documents (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, revision INTEGER NOT NULL) "
      "WITHOUT ROWID;"
      "CREATE TABLE head (revision INTEGER NOT NULL);"
      "INSERT INTO head VALUES (0);"
      "PRAGMA user_version = {};"
      "COMMIT",
      kSchemaVersion);
  return execute(database, sql.c_str(), "be set up");
}

Result<std::unique_ptr<Store>> SqliteStore::open(const std::string& path) {
  SLIPWAY_TRY(make_private_file(path));
  auto store = std::make_unique<SqliteStore>();
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  store->database_.reset(raw);
  if (code != SQLITE_OK) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("the state database {} cannot be opened: {}", path, sqlite3_errstr(code)));
  }
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  SLIPWAY_TRY(execute(raw, "PRAGMA journal_mode = WAL", "use a write-ahead log"));
  SLIPWAY_TRY(execute(raw, "PRAGMA synchronous = FULL", "be set to full synchronisation"));
  SLIPWAY_TRY(check_integrity(raw, path));
  SLIPWAY_TRY(bring_to_schema(raw, path));
  SLIPWAY_TRY(store->prepare_all());
  return store;
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) { return SqliteStore::open(path); }

}  // namespace slipway::store
