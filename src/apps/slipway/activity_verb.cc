#include <fmt/format.h>

#include <limits>

#include "apps/slipway/shell.h"

// activity-log list: who did what, and what was refused.
namespace slipway::cli {
namespace {

constexpr std::string_view kActivityApi = "2015-04-01";

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

struct ActivityOptions {
  std::string group;
  int most = 50;
  OutputOptions output;
};

Status list_activity(const ActivityOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(auto events,
                 client.list(client.subscription_path() + "/providers/Microsoft.Insights/eventtypes/management/values",
                             kActivityApi, options.group.empty() ? static_cast<std::size_t>(options.most) : kAll));
  boost::json::array chosen;
  for (const auto& event : events) {
    if (static_cast<int>(chosen.size()) >= options.most) break;
    const auto group = query(event, "resourceGroupName");
    const bool is_wanted = options.group.empty() || (group && *group == boost::json::value(options.group));
    if (is_wanted) chosen.push_back(event);
  }
  return Shell::print(chosen, options.output,
                      {{"Time", "eventTimestamp"},
                       {"Caller", "caller"},
                       {"Operation", "operationName.value"},
                       {"Status", "status.value"},
                       {"Resource", "resourceId"}});
}

}  // namespace

void add_activity(Shell& shell) {
  CLI::App* log = Shell::add_noun(shell.app(), "activity-log", "The audit trail: changes and refusals");
  auto options = std::make_shared<ActivityOptions>();
  CLI::App* verb = shell.add_verb(*log, "list", "List changes and refusals, the newest first",
                                  "  slipway activity-log list --max-events 20 --output table\n",
                                  [options] { return list_activity(*options); });
  verb->add_option("--resource-group,-g", options->group, "Only those of this group");
  verb->add_option("--max-events", options->most, "At most so many")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  add_output(*verb, options->output);
}

}  // namespace slipway::cli
