#include "fleet/update_rules.h"

#include <fmt/format.h>

#include "base/ascii.h"

namespace slipway::fleet {
namespace {

class Changes {
 public:
  Changes(const Pool& pool, std::vector<Error>& errors) : pool_(pool), errors_(errors) {}

  template <typename Value>
  void unchangeable(std::string_view property, const Value& before, const Value& after) {
    if (before == after) return;
    errors_.push_back({ErrorCode::kInvalidArgument,
                       fmt::format("The {} of node pool '{}' is '{}' and cannot be changed to '{}': add a node pool "
                                   "that has it, and delete this one.",
                                   property, pool_.name, before, after),
                       "PropertyChangeNotAllowed", fmt::format("properties.{}", property)});
  }

 private:
  const Pool& pool_;
  std::vector<Error>& errors_;
};

bool turns_on(const Pool& pool, const PoolRequest& after) {
  return (after.vtpm && !pool.vtpm) || (after.secure_boot && !pool.secure_boot);
}

tl::unexpected<Error> no_image(const Pool& pool, bool trusted) {
  return fail(ErrorCode::kPreconditionFailed,
              fmt::format("There is no node image{} here for node pool '{}': build one with `slipway image build`.",
                          trusted ? " fit for Trusted Launch" : "", pool.name),
              "NodeImageNotFound", "agentPoolProfile.nodeImageVersion");
}

}  // namespace

bool is_trusted_image(const std::string& version, const ImageCatalog& images) {
  const NodeImage* const image = images.find(version);
  return image != nullptr ? image->trusted_launch : version.find("TL") != std::string::npos;
}

std::vector<Error> judge_update(const Pool& pool, const PoolRequest& before, const PoolRequest& after,
                                const ImageCatalog& images, const RulesProfile& profile) {
  std::vector<Error> errors;
  Changes changes(pool, errors);
  // Sizes compare without case.
  if (!equal_without_case(before.vm_size, after.vm_size)) {
    changes.unchangeable("vmSize", before.vm_size, after.vm_size);
  }
  changes.unchangeable("type", before.type, after.type);
  changes.unchangeable("osType", before.os_type, after.os_type);
  changes.unchangeable("osSKU", before.os_sku, after.os_sku);
  changes.unchangeable("osDiskType", before.os_disk_type, after.os_disk_type);
  changes.unchangeable("osDiskSizeGB", before.os_disk_size_gib, after.os_disk_size_gib);
  changes.unchangeable("maxPods", before.maximum_pods, after.maximum_pods);
  changes.unchangeable("workloadRuntime", before.workload_runtime, after.workload_runtime);
  changes.unchangeable("enableFIPS", before.fips, after.fips);

  if (!turns_on(pool, after)) return errors;
  const std::string words(trusted_launch_words(after.vtpm, after.secure_boot));
  const auto incompatible = [&errors](std::string message) {
    errors.push_back({ErrorCode::kInvalidArgument, std::move(message), "TrustedLaunchIncompatibleWithConfig",
                      "agentPoolProfile.securityProfile"});
  };
  if (profile.enabling_needs_feature_at_creation && !pool.feature_at_creation) {
    incompatible(
        fmt::format("{} cannot be turned on for node pool '{}': it was created before the feature TrustedLaunchPreview "
                    "was registered (its node image is {}). Add a node pool now that the feature is registered, and "
                    "delete this one.",
                    words, pool.name, pool.node_image_version));
  } else if (profile.enabling_needs_trusted_image && !is_trusted_image(pool.node_image_version, images)) {
    incompatible(fmt::format(
        "{} cannot be turned on for node pool '{}': its node image {} is not one for Trusted Launch. Add a node pool "
        "(with the feature registered it gets such an image), and delete this one.",
        words, pool.name, pool.node_image_version));
  }
  return errors;
}

Result<std::string> image_after_update(const Pool& pool, const PoolRequest& after, const ImageCatalog& images,
                                       const RulesProfile& profile) {
  const bool has_trusted = is_trusted_image(pool.node_image_version, images);
  if (after.trusted_launch() && !has_trusted) {
    const NodeImage* const image = images.latest(true);
    if (image == nullptr) return no_image(pool, true);
    return image->version;
  }
  const bool turns_both_off = !after.trusted_launch() && (pool.vtpm || pool.secure_boot);
  if (turns_both_off && has_trusted && !profile.disabling_both_keeps_trusted_image) {
    // Where there is no plain image the trusted one does as well.
    if (const NodeImage* const image = images.latest(false)) return image->version;
  }
  return pool.node_image_version;
}

Result<std::string> newest_image(const Pool& pool, const ImageCatalog& images) {
  const bool trusted = is_trusted_image(pool.node_image_version, images);
  const NodeImage* const image = images.latest(trusted);
  if (image == nullptr) return no_image(pool, trusted);
  return image->version;
}

}  // namespace slipway::fleet
