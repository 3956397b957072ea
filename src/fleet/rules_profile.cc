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
  if (!name || !name->is_string() || object->size() != 3) {
    return fail(ErrorCode::kMalformed, "a rules profile is a JSON object of 'name', 'trustedLaunch' and 'pools'");
  }
  RulesProfile profile;
  profile.name = std::string(name->get_string());

  SLIPWAY_ASSIGN(const std::string trusted_launch, section(*object, "trustedLaunch"));
  FieldReader launch("rules profile's trustedLaunch", trusted_launch);
  launch("minimumKubernetesVersion", profile.minimum_kubernetes_version);
  launch("featureRequired", profile.feature_required);
  launch("fipsAllowed", profile.fips_allowed);
  launch("enablingNeedsTrustedImage", profile.enabling_needs_trusted_image);
  SLIPWAY_TRY(launch.finish());
  if (!compare_versions(profile.minimum_kubernetes_version, "0")) {
    return fail(ErrorCode::kMalformed, fmt::format("trustedLaunch.minimumKubernetesVersion '{}' is not a version",
                                                   profile.minimum_kubernetes_version));
  }

  SLIPWAY_ASSIGN(const std::string pools, section(*object, "pools"));
  int name_length = 0;
  FieldReader limits("rules profile's pools", pools);
  limits("maximumNameLength", name_length);
  limits("maximumNodes", profile.maximum_nodes_per_pool);
  limits("maximumNodesPerCluster", profile.maximum_nodes_per_cluster);
  limits("maximumPerCluster", profile.maximum_pools_per_cluster);
  SLIPWAY_TRY(limits.finish());
  // A node's name has its pool's name in it, and is at most 63 characters long.
  if (name_length < 1 || name_length > 32) {
    return fail(ErrorCode::kMalformed, "pools.maximumNameLength must be 1 to 32");
  }
  profile.maximum_pool_name_length = static_cast<std::size_t>(name_length);
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
