#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "fleet/built_in_data.h"
#include "fleet/json_fields.h"
#include "fleet/rules.h"

namespace slipway::fleet {
namespace {

constexpr std::size_t kMaximumText = 64U << 10;

// Up to three parts of up to nine digits.
std::optional<std::array<int, 3>> parts_of(std::string_view version) {
  if (!version.empty() && version.front() == 'v') version.remove_prefix(1);
  std::array<int, 3> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string_view part = version.substr(0, version.find('.'));
    if (part.empty() || part.size() > 9 || part.find_first_not_of("0123456789") != std::string_view::npos) return {};
    std::from_chars(part.data(), part.data() + part.size(), parts[i]);
    if (part.size() == version.size()) return parts;
    version.remove_prefix(part.size() + 1);
  }
  return {};
}

Result<std::string> section(const boost::json::object& profile, std::string_view name) {
  const auto* const found = profile.if_contains(boost::json::string_view(name.data(), name.size()));
  if (found && found->is_object()) return boost::json::serialize(*found);
  return fail(ErrorCode::kMalformed, fmt::format("the rules profile has no object '{}'", name));
}

Status in_range(std::string_view key, int value, int least, int most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kMalformed, fmt::format("{} is {} and must be {} to {}", key, value, least, most));
}

Status read_trusted_launch(const std::string& text, RulesProfile& profile) {
  FieldReader reader("rules profile's trustedLaunch", text);
  reader("minimumKubernetesVersion", profile.minimum_kubernetes_version);
  reader("featureRequired", profile.feature_required);
  reader("enablingNeedsTrustedImage", profile.enabling_needs_trusted_image);
  reader("enablingNeedsFeatureAtCreation", profile.enabling_needs_feature_at_creation);
  reader("disablingBothKeepsTrustedImage", profile.disabling_both_keeps_trusted_image);
  reader("fipsOsSkus", profile.fips_os_skus);
  reader("refusedOsSkus", profile.refused_os_skus);
  reader("demandingOsSkus", profile.demanding_os_skus);
  reader("ownGpuDriverOsSkus", profile.own_gpu_driver_os_skus);
  reader("refusedWorkloadRuntimes", profile.refused_workload_runtimes);
  SLIPWAY_TRY(reader.finish());
  if (parts_of(profile.minimum_kubernetes_version)) return {};
  return fail(ErrorCode::kMalformed, fmt::format("trustedLaunch.minimumKubernetesVersion '{}' is not a version",
                                                 profile.minimum_kubernetes_version));
}

Status read_names(const std::string& text, RulesProfile& profile) {
  int pool = 0, windows_pool = 0, cluster = 0, group = 0;
  FieldReader reader("rules profile's names", text);
  reader("maximumPoolLength", pool);
  reader("maximumWindowsPoolLength", windows_pool);
  reader("maximumClusterLength", cluster);
  reader("maximumGroupLength", group);
  SLIPWAY_TRY(reader.finish());
  // A node's name has its pool's name in it, and is at most 63 characters long.
  SLIPWAY_TRY(in_range("names.maximumPoolLength", pool, 1, 32));
  SLIPWAY_TRY(in_range("names.maximumWindowsPoolLength", windows_pool, 1, 32));
  SLIPWAY_TRY(in_range("names.maximumClusterLength", cluster, 1, 63));
  SLIPWAY_TRY(in_range("names.maximumGroupLength", group, 1, 90));
  profile.maximum_pool_name_length = static_cast<std::size_t>(pool);
  profile.maximum_windows_pool_name_length = static_cast<std::size_t>(windows_pool);
  profile.maximum_cluster_name_length = static_cast<std::size_t>(cluster);
  profile.maximum_group_name_length = static_cast<std::size_t>(group);
  return {};
}

Status read_pools(const std::string& text, RulesProfile& profile) {
  FieldReader reader("rules profile's pools", text);
  reader("maximumNodes", profile.maximum_nodes_per_pool);
  reader("maximumNodesPerCluster", profile.maximum_nodes_per_cluster);
  reader("maximumPerCluster", profile.maximum_pools_per_cluster);
  reader("minimumOsDiskGiB", profile.minimum_os_disk_gib);
  reader("maximumOsDiskGiB", profile.maximum_os_disk_gib);
  reader("minimumPodsPerNode", profile.minimum_pods_per_node);
  reader("maximumPodsPerNode", profile.maximum_pods_per_node);
  return reader.finish();
}

Status read_updates(const std::string& text, RulesProfile& profile) {
  FieldReader reader("rules profile's updates", text);
  reader("drainTimeoutMinutes", profile.drain_timeout_minutes);
  reader("maximumDrainTimeoutMinutes", profile.maximum_drain_timeout_minutes);
  SLIPWAY_TRY(reader.finish());
  SLIPWAY_TRY(in_range("updates.maximumDrainTimeoutMinutes", profile.maximum_drain_timeout_minutes, 1, 10080));
  return in_range("updates.drainTimeoutMinutes", profile.drain_timeout_minutes, 1,
                  profile.maximum_drain_timeout_minutes);
}

Status read_spelling(const std::string& text, RulesProfile& profile) {
  FieldReader reader("rules profile's spelling", text);
  reader("gpuDriverSince", profile.gpu_driver_since);
  return reader.finish();
}

}  // namespace

std::optional<int> compare_versions(std::string_view left, std::string_view right) {
  const auto left_parts = parts_of(left);
  const auto right_parts = parts_of(right);
  if (!left_parts || !right_parts) return {};
  if (*left_parts == *right_parts) return 0;
  return *left_parts < *right_parts ? -1 : 1;
}

Result<RulesProfile> rules_profile_from_json(std::string_view json) {
  if (json.size() > kMaximumText) return fail(ErrorCode::kMalformed, "the rules profile is larger than 64 KiB");
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse({json.data(), json.size()}, error);
  const auto* const object = error ? nullptr : parsed.if_object();
  const auto* const name = object ? object->if_contains("name") : nullptr;
  if (!name || !name->is_string() || object->size() != 6) {
    return fail(ErrorCode::kMalformed,
                "a rules profile is a JSON object of 'name', 'trustedLaunch', 'names', 'pools', "
                "'updates' and 'spelling'");
  }
  RulesProfile profile;
  profile.name = std::string(name->get_string());
  struct Section {
    std::string_view key;
    Status (*read)(const std::string& text, RulesProfile& profile);
  };
  for (const auto& [key, read] :
       {Section{"trustedLaunch", read_trusted_launch}, Section{"names", read_names}, Section{"pools", read_pools},
        Section{"updates", read_updates}, Section{"spelling", read_spelling}}) {
    SLIPWAY_ASSIGN(const std::string text, section(*object, key));
    SLIPWAY_TRY(read(text, profile));
  }
  return profile;
}

Result<RulesProfile> built_in_rules_profile(std::string_view name) {
  const std::string_view text = built_in_file(fmt::format("rules/{}.json", name));
  if (text.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no rules profile '{}': use preview (the default) or ga", name));
  }
  return rules_profile_from_json(text);
}

}  // namespace slipway::fleet
