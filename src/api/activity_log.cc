#include "api/activity_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "api/json.h"
#include "base/text.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaximumText = 2000;
constexpr std::size_t kMaximumLine = 64U << 10;

tl::unexpected<Error> no_file(std::string_view what, const std::string& path) {
  return fail(ErrorCode::kUnavailable,
              fmt::format("the audit trail {} cannot be {}: {}", path, what, std::strerror(errno)));
}

std::string aside(const std::string& path, int number) { return fmt::format("{}.{}", path, number); }

void read_lines(const std::string& path, Time from, Time to, std::vector<ActivityEvent>& events) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  while (std::getline(file, line)) {
    if (line.size() > kMaximumLine) continue;
    auto event = activity_event_from_json(line);
    if (event && event->time >= from && event->time <= to) events.push_back(std::move(*event));
  }
}

}  // namespace

std::string to_json(const ActivityEvent& event) {
  return json::serialize(json::object{{"time", to_rfc3339(event.time)},
                                      {"id", event.id},
                                      {"correlation", event.correlation},
                                      {"caller", event.caller},
                                      {"address", event.address},
                                      {"method", event.method},
                                      {"uri", event.uri},
                                      {"clientRequest", event.client_request},
                                      {"action", event.action},
                                      {"resource", event.resource},
                                      {"status", event.status},
                                      {"httpStatus", event.http_status},
                                      {"code", event.code},
                                      {"message", event.message}});
}

Result<ActivityEvent> activity_event_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::object object, parse_body(text));
  Properties properties(object, "event");
  ActivityEvent event;
  SLIPWAY_ASSIGN(event.time, from_rfc3339(properties.text("time")));
  event.id = properties.text("id");
  event.correlation = properties.text("correlation");
  event.caller = properties.text("caller");
  event.address = properties.text("address");
  event.method = properties.text("method");
  event.uri = properties.text("uri");
  event.client_request = properties.text("clientRequest");
  event.action = properties.text("action");
  event.resource = properties.text("resource");
  event.status = properties.text("status");
  event.http_status = properties.number("httpStatus").value_or(0);
  event.code = properties.text("code");
  event.message = properties.text("message");
  SLIPWAY_TRY(properties.status());
  return event;
}

Status ActivityLog::open_file(File& file) {
  file.descriptor = ::open(file.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat status {};
  if (file.descriptor < 0 || ::fstat(file.descriptor, &status) != 0) return no_file("opened", file.path);
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the audit trail {} must be a file of this user's own with mode 0600", file.path));
  }
  file.size = static_cast<std::size_t>(status.st_size);
  // A line that was cut short by a crash ends here, so that it does not spoil the next one.
  if (file.size > 0 && ::write(file.descriptor, "\n", 1) == 1) ++file.size;
  return {};
}

Result<std::unique_ptr<ActivityLog>> ActivityLog::open(const std::string& folder, std::size_t maximum_file) {
  const std::string path = folder + "/activity";
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return no_file("made", path);
  std::unique_ptr<ActivityLog> log(new ActivityLog(maximum_file));
  log->file_of(Series::kChanges).path = path + "/changes.jsonl";
  log->file_of(Series::kRefusals).path = path + "/refusals.jsonl";
  for (File& file : log->files_) SLIPWAY_TRY(open_file(file));
  return log;
}

ActivityLog::~ActivityLog() {
  for (const File& file : files_) {
    if (file.descriptor >= 0) ::close(file.descriptor);
  }
}

Status ActivityLog::put_aside(File& file) const {
  for (int number = kKeptFiles; number > 1; --number) {
    const int result = ::rename(aside(file.path, number - 1).c_str(), aside(file.path, number).c_str());
    if (result != 0 && errno != ENOENT) return no_file("put aside", file.path);
  }
  if (::rename(file.path.c_str(), aside(file.path, 1).c_str()) != 0) return no_file("put aside", file.path);
  ::close(file.descriptor);
  return open_file(file);
}

Status ActivityLog::record(Series series, ActivityEvent event) {
  // What a client chose must not make a line that cannot be read again.
  for (std::string* const text : {&event.caller, &event.uri, &event.client_request, &event.action, &event.resource,
                                  &event.code, &event.message}) {
    *text = printable(*text, kMaximumText);
  }
  const std::string line = to_json(event) + "\n";
  const std::lock_guard lock(mutex_);
  File& file = file_of(series);
  if (file.descriptor < 0) SLIPWAY_TRY(open_file(file));
  if (file.size > 0 && file.size + line.size() > maximum_file_) SLIPWAY_TRY(put_aside(file));
  ssize_t written = 0;
  do {
    written = ::write(file.descriptor, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written > 0) file.size += static_cast<std::size_t>(written);
  if (written != static_cast<ssize_t>(line.size())) {
    if (written >= 0) errno = ENOSPC;
    const auto failure = no_file("written", file.path);
    // The half line ends before the next one begins.
    ::close(file.descriptor);
    file.descriptor = -1;
    return failure;
  }
  // Refusals come as fast as somebody knocks: the disk is not made to wait for each.
  if (series == Series::kChanges && ::fdatasync(file.descriptor) != 0) return no_file("written to the disk", file.path);
  return {};
}

Result<std::vector<ActivityEvent>> ActivityLog::list(Time from, Time to) {
  std::vector<ActivityEvent> events;
  {
    const std::lock_guard lock(mutex_);
    for (const File& file : files_) {
      for (int number = kKeptFiles; number > 0; --number) read_lines(aside(file.path, number), from, to, events);
      read_lines(file.path, from, to, events);
    }
  }
  std::reverse(events.begin(), events.end());
  std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.time > b.time; });
  return events;
}

}  // namespace slipway::api
