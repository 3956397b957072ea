#include "fleet/vm_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/ascii.h"
#include "fleet/built_in_data.h"
#include "fleet/json_fields.h"

namespace slipway::fleet {
namespace {

constexpr std::size_t kMaximumText = 256U << 10;

Result<VmSize> size_from_json(const boost::json::value& value) {
  VmSize size;
  FieldReader reader("VM size", boost::json::serialize(value));
  reader("name", size.name);
  reader("vcpus", size.vcpus);
  reader("memoryMiB", size.memory_mib);
  reader("architecture", size.architecture);
  reader("generation1", size.generation_1);
  reader("generation2", size.generation_2);
  reader("gpu", size.gpu);
  reader("ephemeralDiskGiB", size.ephemeral_disk_gib);
  reader("trustedLaunch", size.trusted_launch);
  SLIPWAY_TRY(reader.finish());
  const bool has_known_architecture = size.architecture == "x86_64" || size.architecture == "arm64";
  if (size.name.empty() || size.vcpus < 1 || size.memory_mib < 512 || !has_known_architecture) {
    return fail(ErrorCode::kMalformed, fmt::format("the VM size '{}' needs a name, at least 1 vCPU and 512 MiB, and "
                                                   "the architecture x86_64 or arm64",
                                                   size.name));
  }
  return size;
}

}  // namespace

const VmSize* VmSizes::find(std::string_view name) const {
  if (name.empty()) name = default_name;
  const auto found = std::find_if(sizes.begin(), sizes.end(),
                                  [name](const VmSize& size) { return equal_without_case(size.name, name); });
  return found == sizes.end() ? nullptr : &*found;
}

Result<VmSizes> vm_sizes_from_json(std::string_view json) {
  if (json.size() > kMaximumText) return fail(ErrorCode::kMalformed, "the list of VM sizes is larger than 256 KiB");
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse({json.data(), json.size()}, error);
  const auto* const object = error ? nullptr : parsed.if_object();
  const auto* const standard = object ? object->if_contains("default") : nullptr;
  const auto* const list = object ? object->if_contains("sizes") : nullptr;
  if (!standard || !standard->is_string() || !list || !list->is_array() || object->size() != 2) {
    return fail(ErrorCode::kMalformed, "a list of VM sizes is a JSON object of 'default' (text) and 'sizes' (a list)");
  }
  VmSizes result;
  for (const auto& entry : list->get_array()) {
    SLIPWAY_ASSIGN(VmSize size, size_from_json(entry));
    if (result.find(size.name) != nullptr) {
      return fail(ErrorCode::kMalformed, fmt::format("the VM size {} is listed twice", size.name));
    }
    result.sizes.push_back(std::move(size));
  }
  result.default_name = std::string(standard->get_string());
  if (result.default_name.empty() || result.find(result.default_name) == nullptr) {
    return fail(ErrorCode::kMalformed, fmt::format("the default VM size '{}' is not in the list", result.default_name));
  }
  return result;
}

const VmSizes& built_in_vm_sizes() {
  // The build checks the file (rules_test), so that value() throws in a broken build alone.
  static const VmSizes sizes = vm_sizes_from_json(built_in_file("vm-sizes.json")).value();
  return sizes;
}

}  // namespace slipway::fleet
