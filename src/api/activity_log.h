#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace slipway::api {

// One line of the audit trail. No bodies and no secrets.
struct ActivityEvent {
  Time time{};
  std::string id, correlation;   // UUIDs; the lines of one request share the second
  std::string caller;            // the client; empty where nobody was recognised
  std::string address;           // it came from
  std::string method, uri;       // with base URL, without the query
  std::string client_request;    // x-ms-client-request-id
  std::string action, resource;  // access.h
  std::string status;            // Started, Accepted, Succeeded, Failed
  int http_status = 0;           // 0 for Started
  std::string code, message;     // of a refusal
};

std::string to_json(const ActivityEvent& event);
Result<ActivityEvent> activity_event_from_json(std::string_view json);

// The audit trail: lines of JSON in files of mode 0600 that are only ever appended to, and put aside when they are
// full. Refusals are kept apart from changes: whoever only knocks cannot push out what others did. At most kMaximumFile
// * (kKeptFiles + 1) bytes of each. Thread-safe.
class ActivityLog {
 public:
  static constexpr std::size_t kMaximumFile = 4U << 20;
  static constexpr int kKeptFiles = 7;
  enum class Series { kChanges, kRefusals };

  // FOLDER/activity (0700); made if it is missing.
  static Result<std::unique_ptr<ActivityLog>> open(const std::string& folder, std::size_t maximum_file = kMaximumFile);
  ~ActivityLog();

  // A change is on the disk when it returns. A text of more than 2,000 bytes is cut, and what is not printable ASCII
  // becomes "?".
  Status record(Series series, ActivityEvent event);
  // Of both series, the newest first, with `from` <= time <= `to`. A line that cannot be read (the end of one that was
  // being written when the power went) is left out.
  Result<std::vector<ActivityEvent>> list(Time from, Time to);

 private:
  struct File {
    std::string path;
    int descriptor = -1;
    std::size_t size = 0;
  };
  explicit ActivityLog(std::size_t maximum_file) : maximum_file_(maximum_file) {}
  static Status open_file(File& file);
  Status put_aside(File& file) const;
  File& file_of(Series series) { return files_[static_cast<std::size_t>(series)]; }

  const std::size_t maximum_file_;
  std::mutex mutex_;
  File files_[2];
};

}  // namespace slipway::api
