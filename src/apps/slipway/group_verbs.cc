#include <fmt/format.h>

#include "apps/slipway/shell.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

const std::vector<Column> kGroupColumns = {
    {"Name", "name"}, {"Location", "location"}, {"Status", "properties.provisioningState"}};

struct GroupOptions {
  std::string name, location;
  std::vector<std::string> tags;
  bool yes = false, no_wait = false;
  OutputOptions output;
};

Status create_group(const GroupOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(auto tags, parse_tags(options.tags));
  json::object body = {{"location", options.location}};
  if (!tags.empty()) body["tags"] = std::move(tags);
  SLIPWAY_ASSIGN(const auto answer, client.send("PUT", client.group_path(options.name), kGroupApi, body));
  return Shell::print(answer.body, options.output, kGroupColumns);
}

Status show_group(const GroupOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto group, client.get(client.group_path(options.name), kGroupApi));
  return Shell::print(group, options.output, kGroupColumns);
}

// true or false, as az prints it.
Status has_group(const GroupOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  const auto group = client.get(client.group_path(options.name), kGroupApi);
  if (!group && group.error().code != ErrorCode::kNotFound) return fail(group.error());
  return Shell::print(json::value(group.has_value()), options.output, {});
}

Status list_groups(const GroupOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto groups, client.list(client.subscription_path() + "/resourceGroups", kGroupApi));
  return Shell::print(groups, options.output, kGroupColumns);
}

Status delete_group(const GroupOptions& options) {
  SLIPWAY_ASSIGN(
      const bool sure,
      Shell::confirm(fmt::format("Delete the resource group {} and all that is in it?", options.name), options.yes));
  if (!sure) return fail(ErrorCode::kInvalidArgument, "nothing was deleted");
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.output));
  SLIPWAY_ASSIGN(const auto answer, client.send("DELETE", client.group_path(options.name), kGroupApi));
  return options.no_wait ? Status() : client.wait(answer);
}

}  // namespace

void add_groups(Shell& shell) {
  CLI::App* group = Shell::add_noun(shell.app(), "group", "Resource groups: folders for clusters");
  const auto add = [&](const std::string& name, const std::string& description, const std::string& example,
                       Status (*run)(const GroupOptions&)) {
    auto options = std::make_shared<GroupOptions>();
    CLI::App* verb = shell.add_verb(*group, name, description, example, [options, run] { return run(*options); });
    if (name != "list") verb->add_option("--name,-n,--resource-group,-g", options->name, "The group")->required();
    add_output(*verb, options->output);
    return std::pair(verb, options);
  };
  const auto [create, created] = add("create", "Create a resource group, or change its tags",
                                     "  slipway group create --name my-group --location local\n", create_group);
  create->add_option("--location,-l", created->location, "Where it is: local")->required();
  create->add_option("--tags", created->tags, "name=value, several with spaces between them");
  add("show", "Show a resource group", "  slipway group show --name my-group\n", show_group);
  add("exists", "Say whether a resource group exists", "  slipway group exists --name my-group\n", has_group);
  add("list", "List the resource groups", "  slipway group list --output table\n", list_groups);
  const auto [remove, removed] = add("delete", "Delete a resource group and all that is in it",
                                     "  slipway group delete --name my-group --yes\n", delete_group);
  remove->add_flag("--yes,-y", removed->yes, "Do not ask");
  remove->add_flag("--no-wait", removed->no_wait, "Return as soon as the server has taken the request");
}

}  // namespace slipway::cli
