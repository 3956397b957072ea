#include "apps/slipway/wait_options.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "apps/slipway/output.h"
#include "apps/slipway/shell.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

std::string text_at(const json::value& value, std::string_view path) {
  const auto found = query(value, path);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

// True once the resource is as asked for; an error where it never will be.
Result<bool> is_reached(const WaitOptions& options, const Result<json::value>& resource, const std::string& what) {
  if (!resource) {
    if (resource.error().code == ErrorCode::kUnavailable) return false;
    if (resource.error().code != ErrorCode::kNotFound) return fail(resource.error());
    if (options.deleted) return true;
    if (options.exists) return false;
    return fail(resource.error());
  }
  if (options.exists) return true;
  if (options.deleted) return false;
  if (!options.custom.empty()) {
    SLIPWAY_ASSIGN(const Query wanted, Query::parse(options.custom));
    return wanted.holds(flatten(*resource));
  }
  const std::string state = text_at(*resource, "properties.provisioningState");
  if (state != "Failed" && state != "Canceled") return state == "Succeeded";
  const std::string why = text_at(*resource, "properties.provisioningError.message");
  const std::string plain = text_at(*resource, "properties.provisioningError");
  return fail(ErrorCode::kPreconditionFailed, fmt::format("{} is {}: {}", what, state,
                                                          printable(!why.empty()     ? why
                                                                    : !plain.empty() ? plain
                                                                                     : "the server does not say why")));
}

}  // namespace

void add_wait_options(CLI::App& verb, WaitOptions& options) {
  verb.add_flag("--created", options.created, "Until its provisioning has succeeded");
  verb.add_flag("--updated", options.updated, "The same, after a change");
  verb.add_flag("--deleted", options.deleted, "Until it is gone");
  verb.add_flag("--exists", options.exists, "Until the server knows it");
  verb.add_option("--custom", options.custom, "Until this query of what \"show\" prints gives something true")
      ->check([](const std::string& text) {
        const auto parsed = Query::parse(text);
        return parsed ? std::string() : parsed.error().message;
      });
  verb.add_option("--interval", options.interval, "Seconds between two looks")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  verb.add_option("--timeout", options.timeout, "Seconds to wait at most")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
}

Status wait_until(ArmClient& client, const std::string& path, const WaitOptions& options, const std::string& what) {
  if (!options.created && !options.updated && !options.deleted && !options.exists && options.custom.empty())
    return fail(ErrorCode::kInvalidArgument,
                "say what to wait for: --created, --updated, --deleted, --exists or --custom QUERY");
  const auto deadline = std::chrono::steady_clock::now() + seconds(options.timeout);
  for (;;) {
    SLIPWAY_ASSIGN(const bool reached, is_reached(options, client.get(path, kClusterApi), what));
    if (reached) return {};
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("Wait operation timed-out after {} seconds: {} is not yet as asked for", options.timeout, what));
    std::this_thread::sleep_for(seconds(options.interval));
  }
}

}  // namespace slipway::cli
