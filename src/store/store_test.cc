#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "store/memory.h"
#include "store/sqlite.h"

namespace slipway::store {
namespace {

// A folder of its own for each test, gone afterwards.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "slipway-store-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// The contract of store/store.h, the same for every store.
class StoreContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string_view(GetParam()) == "memory") {
      store_ = make_memory_store();
    } else {
      auto opened = open_sqlite_store(folder_.file("state.db"));
      ASSERT_TRUE(opened) << opened.error().message;
      store_ = std::move(*opened);
    }
  }
  std::int64_t put(const std::string& key, const std::string& value) {
    return store_->commit({{}, {{key, value}}, {}}).value();
  }

  Folder folder_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreContract, KeepsWhatWasCommitted) {
  EXPECT_EQ(store_->get("/a").error().code, ErrorCode::kNotFound);
  const std::int64_t revision = put("/a", R"({"x":"é"})");
  EXPECT_GT(revision, 0);
  const auto document = store_->get("/a");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->key, "/a");
  EXPECT_EQ(document->value, R"({"x":"é"})");
  EXPECT_EQ(document->revision, revision);
}

TEST_P(StoreContract, RevisionsGrowAndBelongToTheLastWrite) {
  const std::int64_t first = put("/a", "1");
  const std::int64_t second = put("/b", "1");
  const std::int64_t third = put("/a", "2");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_EQ(store_->get("/a")->revision, third);
  EXPECT_EQ(store_->get("/b")->revision, second);
}

TEST_P(StoreContract, ARevisionIsNeverUsedAgainAfterADelete) {
  const std::int64_t first = put("/a", "1");
  ASSERT_TRUE(store_->commit({{}, {}, {"/a", "/absent"}}));
  EXPECT_EQ(store_->get("/a").error().code, ErrorCode::kNotFound);
  EXPECT_GT(put("/a", "1"), first + 1);
}

TEST_P(StoreContract, ListsByPrefixInTheOrderOfKeys) {
  for (const char* key : {"/p/b", "/p/a", "/p", "/p0", "/q/a", "/p/\xff", "/o", "\xff\xff"}) put(key, key);
  const auto keys = [this](std::string_view prefix) {
    std::vector<std::string> result;
    const std::vector<Document> documents = store_->list(prefix).value();
    for (const Document& document : documents) {
      EXPECT_EQ(document.key, document.value);
      result.push_back(document.key);
    }
    return result;
  };
  EXPECT_EQ(keys("/p/"), (std::vector<std::string>{"/p/a", "/p/b", "/p/\xff"}));
  EXPECT_EQ(keys("/p/\xff"), std::vector<std::string>{"/p/\xff"});
  EXPECT_EQ(keys("\xff"), std::vector<std::string>{"\xff\xff"});
  EXPECT_EQ(keys("/nothing"), std::vector<std::string>{});
  EXPECT_EQ(keys("").size(), 8U);
}

TEST_P(StoreContract, ABrokenConditionChangesNothing) {
  const std::int64_t a = put("/a", "1");
  const std::int64_t b = put("/b", "1");
  const auto refused = store_->commit({{{"/b", b}, {"/a", a - 1}}, {{"/b", "2"}, {"/c", "1"}}, {"/a"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_NE(refused.error().message.find("/a"), std::string::npos);
  EXPECT_EQ(store_->get("/a")->value, "1");
  EXPECT_EQ(store_->get("/b")->value, "1");
  EXPECT_FALSE(store_->get("/c"));
  EXPECT_TRUE(store_->commit({{{"/b", b}, {"/a", a}, {"/c", 0}}, {{"/b", "2"}, {"/c", "1"}}, {"/a"}}));
}

TEST_P(StoreContract, AConditionOnAbsenceMakesAKeyOnce) {
  const Transaction make{{{"/a", 0}}, {{"/a", "1"}}, {}};
  EXPECT_TRUE(store_->commit(make));
  EXPECT_EQ(store_->commit(make).error().code, ErrorCode::kConflict);
  EXPECT_EQ(store_->commit({{{"/gone", 7}}, {{"/a", "2"}}, {}}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(store_->get("/a")->value, "1");
}

TEST_P(StoreContract, KeysAndValuesHaveLimits) {
  const auto code = [this](Transaction transaction) {
    const auto result = store_->commit(transaction);
    return result ? std::optional<ErrorCode>() : result.error().code;
  };
  EXPECT_EQ(code({{}, {{"", "x"}}, {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({{}, {{std::string(513, 'k'), "x"}}, {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({{}, {{std::string("a\0b", 3), "x"}}, {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({{}, {{"/a", std::string((8U << 20) + 1, 'v')}}, {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({{}, {{"/a", "1"}, {"/a", "2"}}, {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({{}, {{"/a", "1"}}, {"/a"}}), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(store_->list("")->empty());
  EXPECT_EQ(code({{}, {{std::string(512, 'k'), std::string(8U << 20, 'v')}}, {}}), std::nullopt);
}

// Each increment reads, and writes under the condition that nobody wrote meanwhile: none may be lost.
TEST_P(StoreContract, WritersNeverLoseAnIncrement) {
  constexpr int kThreads = 4, kIncrements = 25;
  put("/counter", "0");
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this]() {
      for (int done = 0; done < kIncrements;) {
        const Document read = store_->get("/counter").value();
        const std::string next = std::to_string(std::stoi(read.value) + 1);
        if (store_->commit({{{"/counter", read.revision}}, {{"/counter", next}}, {}})) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store_->get("/counter")->value, std::to_string(kThreads * kIncrements));
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, testing::Values("memory", "sqlite"));

TEST(SqliteStore, KeepsDocumentsAndRevisionsAcrossAnOpen) {
  const Folder folder;
  std::int64_t revision = 0;
  {
    auto store = open_sqlite_store(folder.file("state.db")).value();
    revision = store->commit({{}, {{"/a", "1"}}, {}}).value();
    ASSERT_TRUE(store->commit({{}, {}, {"/b"}}));
  }
  auto store = open_sqlite_store(folder.file("state.db")).value();
  EXPECT_EQ(store->get("/a")->revision, revision);
  EXPECT_EQ(store->commit({{}, {{"/b", "1"}}, {}}).value(), revision + 2);
}

TEST(SqliteStore, NobodyElseMayReadItsFiles) {
  const Folder folder;
  const mode_t before = umask(0);
  auto store = open_sqlite_store(folder.file("state.db")).value();
  ASSERT_TRUE(store->commit({{}, {{"/a", "1"}}, {}}));
  umask(before);
  for (const char* name : {"state.db", "state.db-wal", "state.db-shm"}) {
    struct stat status {};
    ASSERT_EQ(stat(folder.file(name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
  }
}

TEST(SqliteStore, SaysWhatIsWrongWithAFile) {
  const Folder folder;
  EXPECT_EQ(open_sqlite_store(folder.file("absent/state.db")).error().code, ErrorCode::kUnavailable);

  std::ofstream(folder.file("text.db")) << std::string(8192, 'x');
  EXPECT_EQ(open_sqlite_store(folder.file("text.db")).error().code, ErrorCode::kInternal);

  static_cast<void>(open_sqlite_store(folder.file("newer.db")).value());
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(folder.file("newer.db").c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version = 99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  const auto newer = open_sqlite_store(folder.file("newer.db"));
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::kPreconditionFailed);
}

// Commits both keys with one number, then reports the number; killed at any moment.
[[noreturn]] void commit_until_killed(const std::string& path, int report) {
  auto store = open_sqlite_store(path);
  if (!store) _exit(1);
  const auto last = (*store)->get("/left");
  for (int number = last ? std::stoi(last->value) + 1 : 1;; ++number) {
    const std::string text = std::to_string(number);
    if (!(*store)->commit({{}, {{"/left", text}, {"/right", text}}, {}})) _exit(2);
    if (write(report, &number, sizeof number) != sizeof number) _exit(3);
  }
}

TEST(SqliteStore, AKilledWriterLeavesWholeTransactionsAndAllThatItReported) {
  const Folder folder;
  const std::string path = folder.file("state.db");
  int reported = 0;
  for (int round = 0; round < 10; ++round) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) commit_until_killed(path, ends[1]);
    close(ends[1]);
    // Another count in each round, so that the kill falls into other places of the write-ahead log.
    const int wanted = 1 + round * 7;
    int number = 0;
    for (int seen = 0; seen < wanted; ++seen) {
      ASSERT_EQ(read(ends[0], &number, sizeof number), static_cast<ssize_t>(sizeof number));
    }
    kill(child, SIGKILL);
    while (read(ends[0], &number, sizeof number) == static_cast<ssize_t>(sizeof number)) reported = number;
    reported = std::max(reported, number);
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));

    auto store = open_sqlite_store(path);
    ASSERT_TRUE(store) << store.error().message;
    const int left = std::stoi((*store)->get("/left")->value);
    EXPECT_EQ(std::to_string(left), (*store)->get("/right")->value);
    EXPECT_GE(left, reported);
    EXPECT_LE(left, reported + 1);
  }
}

}  // namespace
}  // namespace slipway::store
