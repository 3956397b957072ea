#include "fleet/types.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "fleet/json_fields.h"

namespace slipway::fleet {
namespace {

// Each record's fields, once for both directions: `record` is const when it is written.
template <typename Visit, typename Record>
void fields_of_group(Visit& visit, Record& record) {
  visit("subscription", record.subscription);
  visit("name", record.name);
  visit("location", record.location);
  visit("tags", record.tags);
}

template <typename Visit, typename Record>
void fields_of_feature(Visit& visit, Record& record) {
  visit("subscription", record.subscription);
  visit("provider", record.provider);
  visit("name", record.name);
  visit("state", record.state);
  visit("requested", record.requested);
  visit("effective", record.effective);
}

template <typename Visit, typename Record>
void fields_of_provider(Visit& visit, Record& record) {
  visit("subscription", record.subscription);
  visit("name", record.name);
  visit("state", record.state);
}

template <typename Visit, typename Record>
void fields_of_cluster(Visit& visit, Record& record) {
  visit("id", record.id);
  visit("subscription", record.subscription);
  visit("resourceGroup", record.resource_group);
  visit("name", record.name);
  visit("location", record.location);
  visit("kubernetesVersion", record.kubernetes_version);
  visit("body", record.body);
  visit("state", record.state);
  visit("error", record.error);
  visit("deletionRequested", record.deletion_requested);
  visit("apiServer", record.api_server);
  visit("certificateAuthority", record.certificate_authority);
  visit("apiServerPort", record.api_server_port);
  visit("gateway", record.gateway);
  visit("created", record.created);
  visit("operation", record.operation);
}

template <typename Visit, typename Record>
void fields_of_pool(Visit& visit, Record& record) {
  visit("cluster", record.cluster);
  visit("name", record.name);
  visit("count", record.count);
  visit("vmSize", record.vm_size);
  visit("vcpus", record.vcpus);
  visit("memoryMib", record.memory_mib);
  visit("mode", record.mode);
  visit("secureBoot", record.secure_boot);
  visit("vtpm", record.vtpm);
  visit("nodeImageVersion", record.node_image_version);
  visit("featureAtCreation", record.feature_at_creation);
  visit("drainTimeoutMinutes", record.drain_timeout_minutes);
  visit("body", record.body);
  visit("state", record.state);
  visit("error", record.error);
  visit("deletionRequested", record.deletion_requested);
  visit("nextNodeNumber", record.next_node_number);
  visit("created", record.created);
  visit("operation", record.operation);
}

template <typename Visit, typename Record>
void fields_of_node(Visit& visit, Record& record) {
  visit("instance", record.instance);
  visit("cluster", record.cluster);
  visit("pool", record.pool);
  visit("name", record.name);
  visit("secureBoot", record.secure_boot);
  visit("vtpm", record.vtpm);
  visit("vcpus", record.vcpus);
  visit("memoryMib", record.memory_mib);
  visit("imageVersion", record.image_version);
  visit("phase", record.phase);
  visit("explanation", record.explanation);
  visit("draining", record.draining);
  visit("drainReason", record.drain_reason);
  visit("podSubnet", record.pod_subnet);
  visit("address", record.address);
  visit("ip", record.ip);
  visit("created", record.created);
  visit("booted", record.booted);
  visit("refusal", record.refusal);
  visit("endorsementKey", record.endorsement_key);
  visit("attestationKeyName", record.attestation_key_name);
  visit("secretHash", record.secret_hash);
  visit("secretUsed", record.secret_used);
  visit("secretHolder", record.secret_holder);
  visit("clientKey", record.client_key);
  visit("certificateExpires", record.certificate_expires);
  visit("lastGoodVerdict", record.last_good_verdict);
  visit("lastEvidence", record.last_evidence);
  visit("diskInspected", record.disk_inspected);
  visit("diskReport", record.disk_report);
  visit("diskTold", record.disk_told);
  visit("verdict", record.verdict);
  visit("labelsApplied", record.labels_applied);
}

template <typename Visit, typename Record>
void fields_of_operation(Visit& visit, Record& record) {
  visit("id", record.id);
  visit("subscription", record.subscription);
  visit("location", record.location);
  visit("resource", record.resource);
  visit("kind", record.kind);
  visit("cluster", record.cluster);
  visit("pool", record.pool);
  visit("status", record.status);
  visit("started", record.started);
  visit("ended", record.ended);
  visit("errorCode", record.error_code);
  visit("errorMessage", record.error_message);
  visit("progress", record.progress);
}

}  // namespace

std::string_view to_string(ProvisioningState state) {
  switch (state) {
    case ProvisioningState::kCreating:
      return "Creating";
    case ProvisioningState::kUpdating:
      return "Updating";
    case ProvisioningState::kScaling:
      return "Scaling";
    case ProvisioningState::kUpgradingNodeImageVersion:
      return "UpgradingNodeImageVersion";
    case ProvisioningState::kDeleting:
      return "Deleting";
    case ProvisioningState::kSucceeded:
      return "Succeeded";
    case ProvisioningState::kFailed:
      return "Failed";
    case ProvisioningState::kCanceled:
      return "Canceled";
  }
  return "Failed";
}

std::string_view to_string(NodePhase phase) {
  switch (phase) {
    case NodePhase::kProvisioning:
      return "Provisioning";
    case NodePhase::kBooting:
      return "Booting";
    case NodePhase::kAdmitted:
      return "Admitted";
    case NodePhase::kReady:
      return "Ready";
    case NodePhase::kBootRefused:
      return "BootRefused";
    case NodePhase::kUntrusted:
      return "Untrusted";
    case NodePhase::kSilent:
      return "Silent";
    case NodePhase::kDeleting:
      return "Deleting";
  }
  return "Silent";
}

std::string resource_group_key(std::string_view subscription, std::string_view name) {
  return fmt::format("/groups/{}/{}", lower_case(subscription), lower_case(name));
}
std::string feature_key(std::string_view subscription, std::string_view provider, std::string_view name) {
  return fmt::format("/features/{}/{}/{}", lower_case(subscription), lower_case(provider), lower_case(name));
}
std::string provider_key(std::string_view subscription, std::string_view name) {
  return fmt::format("/providers/{}/{}", lower_case(subscription), lower_case(name));
}
std::string cluster_name_key(std::string_view subscription, std::string_view resource_group, std::string_view name) {
  return fmt::format("/cluster-names/{}/{}/{}", lower_case(subscription), lower_case(resource_group), lower_case(name));
}
std::string cluster_key(std::string_view id) { return fmt::format("/clusters/{}", id); }
std::string pool_key(std::string_view cluster, std::string_view name) {
  return fmt::format("/pools/{}/{}", cluster, lower_case(name));
}
std::string node_key(std::string_view instance) { return fmt::format("/nodes/{}", lower_case(instance)); }
std::string operation_key(std::string_view id) { return fmt::format("/operations/{}", lower_case(id)); }
std::string node_number_key(std::string_view cluster, std::string_view pool) {
  return fmt::format("/node-numbers/{}/{}", cluster, lower_case(pool));
}

// The two directions of one record; `fields` is its list above.
#define SLIPWAY_FLEET_JSON(Record, noun, function, fields) \
  std::string to_json(const Record& record) {              \
    FieldWriter writer;                                    \
    fields(writer, record);                                \
    return writer.text();                                  \
  }                                                        \
  Result<Record> function(std::string_view json) {         \
    FieldReader reader(noun, json);                        \
    Record record;                                         \
    fields(reader, record);                                \
    SLIPWAY_TRY(reader.finish());                          \
    return record;                                         \
  }

SLIPWAY_FLEET_JSON(ResourceGroup, "resource group", resource_group_from_json, fields_of_group)
SLIPWAY_FLEET_JSON(Feature, "feature", feature_from_json, fields_of_feature)
SLIPWAY_FLEET_JSON(Provider, "provider", provider_from_json, fields_of_provider)
SLIPWAY_FLEET_JSON(Cluster, "cluster", cluster_from_json, fields_of_cluster)
SLIPWAY_FLEET_JSON(Pool, "pool", pool_from_json, fields_of_pool)
SLIPWAY_FLEET_JSON(Node, "node", node_from_json, fields_of_node)
SLIPWAY_FLEET_JSON(Operation, "operation", operation_from_json, fields_of_operation)

Node salvaged_node(const std::string& instance, std::string_view json, const Error& why) {
  Node node;
  node.instance = instance;
  node.vtpm = node.secure_boot = true;
  node.phase = NodePhase::kUntrusted;
  node.explanation = fmt::format(
      "Its document in slipwayd's store cannot be read, so nothing is known of its boot: {} Replace the node.",
      why.message);
  node.unreadable = true;
  boost::json::error_code code;
  const boost::json::value value = boost::json::parse(valid_utf8(std::string(json)), code);
  if (code || !value.is_object()) return node;
  const auto text = [&](std::string_view name) {
    const boost::json::value* found = value.get_object().if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
  };
  node.cluster = text("cluster");
  node.pool = text("pool");
  node.name = text("name");
  node.image_version = text("imageVersion");
  const boost::json::value* subnet = value.get_object().if_contains("podSubnet");
  if (subnet != nullptr && subnet->is_int64() && subnet->get_int64() > 0 && subnet->get_int64() < 256)
    node.pod_subnet = static_cast<int>(subnet->get_int64());
  return node;
}

}  // namespace slipway::fleet
