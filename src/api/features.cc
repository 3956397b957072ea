#include <fmt/format.h>

#include <array>

#include "api/handlers.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

// How long a feature stays Registering: long enough to be seen, as with the real service (S42).
constexpr seconds kRegistrationTime{5};
constexpr std::string_view kContainerService = "Microsoft.ContainerService";
constexpr std::string_view kTrustedLaunchPreview = "TrustedLaunchPreview";
constexpr std::array<std::string_view, 3> kProviders = {kContainerService, "Microsoft.Features", "Microsoft.Resources"};

// What the state is by now: nobody writes Registered when the time has come.
std::string state_at(const fleet::Feature& feature, Time now) {
  const bool is_due = feature.requested && now - *feature.requested >= kRegistrationTime;
  return feature.state == "Registering" && is_due ? "Registered" : feature.state;
}

json::object feature_resource(const Call& call, const fleet::Feature& feature) {
  return json::object{
      {"id", fmt::format("{}/providers/Microsoft.Features/providers/{}/features/{}", call.subscription_path(),
                         feature.provider, feature.name)},
      {"name", feature.provider + "/" + feature.name},
      {"type", "Microsoft.Features/providers/features"},
      {"properties",
       json::object{{"state", state_at(feature, call.now)}, {"preview", true}, {"effective", feature.effective}}}};
}

// The feature with its revision; one that nobody asked for yet is NotRegistered at revision 0.
Result<Stored<fleet::Feature>> load_feature(Call& call) {
  Stored<fleet::Feature> feature;
  feature.record.subscription = call.options.subscription;
  feature.record.provider = kContainerService;
  feature.record.name = kTrustedLaunchPreview;
  const auto document =
      call.store.get(fleet::feature_key(call.options.subscription, kContainerService, kTrustedLaunchPreview));
  if (!document && document.error().code == ErrorCode::kNotFound) return feature;
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(feature.record, fleet::feature_from_json(document->value));
  feature.revision = document->revision;
  return feature;
}

Result<Stored<fleet::Feature>> find_feature(Call& call) {
  const std::string& provider = call.parameter("provider");
  const std::string& name = call.parameter("feature");
  if (equal_without_case(provider, kContainerService) && equal_without_case(name, kTrustedLaunchPreview)) {
    return load_feature(call);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("The feature '{}' of provider '{}' could not be found: there is {}/{}.", name, provider,
                          kContainerService, kTrustedLaunchPreview),
              "FeatureNotFound");
}

store::Transaction write_feature(const Call& call, const Stored<fleet::Feature>& feature) {
  const std::string key = fleet::feature_key(call.options.subscription, feature.record.provider, feature.record.name);
  return {{{key, feature.revision}}, {{key, fleet::to_json(feature.record)}}, {}};
}

Result<std::string> find_provider_name(Call& call) {
  for (const std::string_view provider : kProviders) {
    if (equal_without_case(provider, call.parameter("provider"))) return std::string(provider);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("The resource namespace '{}' is invalid: there is {}.", call.parameter("provider"),
                          fmt::join(kProviders, ", ")),
              "InvalidResourceNamespace");
}

json::object resource_type(const Call& call, std::string_view name) {
  return json::object{{"resourceType", name},
                      {"locations", json::array{json::string(call.options.location)}},
                      {"apiVersions", json::array{"2025-03-01"}}};
}

// The providers are part of the program, so that they are registered from the start; registering one again is what puts
// a preview feature into effect.
json::object provider_resource(const Call& call, const std::string& name) {
  json::array types;
  if (name == kContainerService) {
    types.emplace_back(resource_type(call, "managedClusters"));
    types.emplace_back(resource_type(call, "managedClusters/agentPools"));
    types.emplace_back(resource_type(call, "locations/kubernetesVersions"));
    types.emplace_back(resource_type(call, "locations/operations"));
    types.emplace_back(resource_type(call, "locations/operationresults"));
  }
  if (name == "Microsoft.Features") types.emplace_back(resource_type(call, "features"));
  if (name == "Microsoft.Resources") types.emplace_back(resource_type(call, "resourceGroups"));
  return json::object{{"id", fmt::format("{}/providers/{}", call.subscription_path(), name)},
                      {"namespace", name},
                      {"registrationState", "Registered"},
                      {"registrationPolicy", "RegistrationRequired"},
                      {"resourceTypes", std::move(types)}};
}

}  // namespace

Result<FeatureState> trusted_launch_feature(Call& call) {
  SLIPWAY_ASSIGN(const auto feature, load_feature(call));
  const bool registered = state_at(feature.record, call.now) == "Registered";
  return FeatureState{registered, registered && feature.record.effective};
}

Result<http::Response> list_features(Call& call) {
  if (!equal_without_case(call.parameter("provider"), kContainerService)) return list_response({});
  SLIPWAY_ASSIGN(const auto feature, load_feature(call));
  return list_response(json::array{feature_resource(call, feature.record)});
}

Result<http::Response> get_feature(Call& call) {
  SLIPWAY_ASSIGN(const auto feature, find_feature(call));
  return json_response(200, feature_resource(call, feature.record));
}

Result<http::Response> register_feature(Call& call) {
  SLIPWAY_ASSIGN(auto feature, find_feature(call));
  const std::string state = state_at(feature.record, call.now);
  if (state != "Registering" && state != "Registered") {
    feature.record.state = "Registering";
    feature.record.requested = call.now;
    feature.record.effective = false;
    SLIPWAY_TRY(call.store.commit(write_feature(call, feature)));
  }
  return json_response(200, feature_resource(call, feature.record));
}

Result<http::Response> unregister_feature(Call& call) {
  SLIPWAY_ASSIGN(auto feature, find_feature(call));
  if (feature.revision != 0) {
    feature.record.state = "Unregistered";
    feature.record.requested.reset();
    feature.record.effective = false;
    SLIPWAY_TRY(call.store.commit(write_feature(call, feature)));
  }
  return json_response(200, feature_resource(call, feature.record));
}

Result<http::Response> list_providers(Call& call) {
  json::array items;
  for (const std::string_view provider : kProviders) items.emplace_back(provider_resource(call, std::string(provider)));
  return list_response(std::move(items));
}

Result<http::Response> get_provider(Call& call) {
  SLIPWAY_ASSIGN(const std::string name, find_provider_name(call));
  return json_response(200, provider_resource(call, name));
}

Result<http::Response> register_provider(Call& call) {
  SLIPWAY_ASSIGN(const std::string name, find_provider_name(call));
  if (name == kContainerService) {
    SLIPWAY_ASSIGN(auto feature, load_feature(call));
    if (state_at(feature.record, call.now) == "Registered" && !feature.record.effective) {
      feature.record.state = "Registered";
      feature.record.effective = true;
      SLIPWAY_TRY(call.store.commit(write_feature(call, feature)));
    }
  }
  return json_response(200, provider_resource(call, name));
}

}  // namespace slipway::api
