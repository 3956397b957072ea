#include <fmt/format.h>

#include <boost/json.hpp>
#include <fstream>

#include "apps/slipwayd/options.h"

namespace slipway::slipwayd {
namespace {

constexpr std::size_t kMaximumConfiguration = 64U << 10;
constexpr std::string_view kDefaultProfile = "preview";

std::string_view view(boost::json::string_view text) { return {text.data(), text.size()}; }

Result<boost::json::object> object_at(const boost::json::object& parent, std::string_view key) {
  const boost::json::value* value = parent.if_contains(key);
  if (value == nullptr) return boost::json::object{};
  if (!value->is_object()) return fail(ErrorCode::kMalformed, fmt::format("\"{}\" is not an object.", key));
  return value->get_object();
}

Result<std::string> text_at(const boost::json::object& parent, std::string_view key, std::string_view otherwise) {
  const boost::json::value* value = parent.if_contains(key);
  if (value == nullptr) return std::string(otherwise);
  if (!value->is_string()) return fail(ErrorCode::kMalformed, fmt::format("\"{}\" is not a string.", key));
  return std::string(view(value->get_string()));
}

Status only(const boost::json::object& object, std::initializer_list<std::string_view> keys) {
  for (const auto& member : object) {
    if (std::find(keys.begin(), keys.end(), view(member.key())) == keys.end()) {
      return fail(ErrorCode::kMalformed, fmt::format("\"{}\" is no setting.", view(member.key())));
    }
  }
  return {};
}

}  // namespace

Result<fleet::RulesProfile> rules_from_configuration(std::string_view json) {
  boost::json::error_code code;
  const boost::json::value value = boost::json::parse(json, code);
  if (code) return fail(ErrorCode::kMalformed, fmt::format("It is not JSON: {}.", code.message()));
  if (!value.is_object()) return fail(ErrorCode::kMalformed, "It is not a JSON object.");
  SLIPWAY_TRY(only(value.get_object(), {"rules"}));
  SLIPWAY_ASSIGN(const boost::json::object rules, object_at(value.get_object(), "rules"));
  SLIPWAY_TRY(only(rules, {"profile", "trustedLaunch"}));
  SLIPWAY_ASSIGN(const boost::json::object trusted_launch, object_at(rules, "trustedLaunch"));
  SLIPWAY_TRY(only(trusted_launch, {"minimumKubernetesVersion"}));

  SLIPWAY_ASSIGN(const std::string name, text_at(rules, "profile", kDefaultProfile));
  SLIPWAY_ASSIGN(fleet::RulesProfile profile, fleet::built_in_rules_profile(name));
  SLIPWAY_ASSIGN(profile.minimum_kubernetes_version,
                 text_at(trusted_launch, "minimumKubernetesVersion", profile.minimum_kubernetes_version));
  if (!fleet::compare_versions(profile.minimum_kubernetes_version, "1.0")) {
    return fail(ErrorCode::kMalformed, fmt::format("\"minimumKubernetesVersion\": \"{}\" is no version such as 1.25.2.",
                                                   profile.minimum_kubernetes_version));
  }
  return profile;
}

Result<fleet::RulesProfile> read_configuration(const std::filesystem::path& path) {
  if (path.empty()) return fleet::built_in_rules_profile(kDefaultProfile);
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaximumConfiguration + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) {
    return fail(ErrorCode::kNotFound, fmt::format("--config {}: it cannot be read.", path.string()));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaximumConfiguration) {
    return fail(ErrorCode::kMalformed, fmt::format("--config {}: it is larger than 64 KiB.", path.string()));
  }
  auto profile = rules_from_configuration(text);
  if (!profile) {
    return fail(profile.error().code, fmt::format("--config {}: {}", path.string(), profile.error().message));
  }
  return profile;
}

Result<attestation::Policy> read_policy(const std::filesystem::path& path) {
  if (path.empty()) return attestation::Policy();
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaximumConfiguration + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return fail(ErrorCode::kNotFound, fmt::format("The policy {} cannot be read.", path.string()));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto policy = attestation::policy_from_json(text);
  if (policy) return policy;
  return fail(ErrorCode::kMalformed, fmt::format("{}: {}", path.string(), policy.error().message));
}

}  // namespace slipway::slipwayd
