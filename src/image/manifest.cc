#include "image/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "image/certificate_chains_json.h"
#include "image/object_reader.h"

namespace slipway::image {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaximumSize = 1U << 20;
constexpr std::string_view kName = "the image manifest";

constexpr std::array<BootFileRole, 5> kRoles{BootFileRole::kShim, BootFileRole::kGrub, BootFileRole::kGrubConfig,
                                             BootFileRole::kKernel, BootFileRole::kInitrd};

json::array texts_to_json(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.push_back(json::string(text));
  return array;
}

json::object to_object(const BootFile& file) {
  return {{"role", to_string(file.role)},
          {"path", file.path},
          {"package", file.package},
          {"size", file.size},
          {"sha256", to_hex(file.sha256)},
          {"authenticodeSha256", to_hex(file.authenticode_sha256)},
          {"signers", texts_to_json(file.signers)}};
}

Result<BootFile> boot_file_from(const ObjectReader& manifest, const json::value& value, std::size_t index) {
  SLIPWAY_ASSIGN(ObjectReader reader,
                 manifest.element("bootFiles", index, value, fmt::format("boot file {} of the manifest", index)));
  BootFile file;
  SLIPWAY_ASSIGN(const std::string role, reader.text("role"));
  const auto known = std::find_if(kRoles.begin(), kRoles.end(), [&](BootFileRole it) { return to_string(it) == role; });
  if (known == kRoles.end()) return reader.wrong("role", "a known role");
  file.role = *known;
  SLIPWAY_ASSIGN(file.path, reader.text("path"));
  SLIPWAY_ASSIGN(file.package, reader.text("package"));
  SLIPWAY_ASSIGN(file.size, reader.number("size"));
  SLIPWAY_ASSIGN(file.sha256, reader.digest("sha256"));
  const bool pe =
      file.role == BootFileRole::kShim || file.role == BootFileRole::kGrub || file.role == BootFileRole::kKernel;
  if (pe) {
    SLIPWAY_ASSIGN(file.authenticode_sha256, reader.digest("authenticodeSha256"));
  } else {
    SLIPWAY_ASSIGN(const std::string none, reader.text("authenticodeSha256"));
    if (!none.empty()) return reader.wrong("authenticodeSha256", "empty, as it must be for a file that is no PE image");
  }
  SLIPWAY_ASSIGN(file.signers, reader.texts("signers"));
  SLIPWAY_TRY(reader.finish());
  return file;
}

Result<Manifest> manifest_from(const JsonDocument& document) {
  SLIPWAY_ASSIGN(ObjectReader reader, ObjectReader::open(document, std::string(kName)));
  Manifest manifest;
  SLIPWAY_ASSIGN(manifest.version, reader.text("version"));
  SLIPWAY_ASSIGN(manifest.trusted_launch, reader.boolean("trustedLaunch"));
  SLIPWAY_ASSIGN(const json::array* files, reader.array("bootFiles"));
  for (const json::value& file : *files) {
    SLIPWAY_ASSIGN(BootFile parsed, boot_file_from(reader, file, manifest.boot_files.size()));
    manifest.boot_files.push_back(std::move(parsed));
  }
  SLIPWAY_ASSIGN(manifest.grub_config, reader.text("grubConfig"));
  SLIPWAY_ASSIGN(manifest.grub_commands, reader.texts("grubCommands"));
  SLIPWAY_ASSIGN(manifest.kernel_command_line, reader.text("kernelCommandLine"));
  SLIPWAY_ASSIGN(manifest.root_hash, reader.digest("rootHash"));
  SLIPWAY_ASSIGN(manifest.virtual_size, reader.number("virtualSize"));
  SLIPWAY_ASSIGN(manifest.gpt_event_sha256, reader.digest("gptEventSha256"));
  SLIPWAY_ASSIGN(manifest.pcr14_sha256, reader.digests("pcr14Sha256"));
  SLIPWAY_ASSIGN(manifest.sbat_level_event_sha256, reader.digest("sbatLevelEventSha256"));
  SLIPWAY_ASSIGN(manifest.unenforced_sbat_level_event_sha256, reader.digest("unenforcedSbatLevelEventSha256"));
  SLIPWAY_ASSIGN(manifest.vendor_authority_event_sha256, reader.digest("vendorAuthorityEventSha256"));
  SLIPWAY_ASSIGN(manifest.shim_certificate_chains, take_chains(reader, "shimCertificateChains"));
  if (reader.has("grubCertificateChains")) {
    SLIPWAY_ASSIGN(manifest.grub_certificate_chains, take_chains(reader, "grubCertificateChains"));
  }
  if (reader.has("kernelCertificateChains")) {
    SLIPWAY_ASSIGN(manifest.kernel_certificate_chains, take_chains(reader, "kernelCertificateChains"));
  }
  SLIPWAY_TRY(reader.finish());
  return manifest;
}

}  // namespace

std::string_view to_string(BootFileRole role) {
  switch (role) {
    case BootFileRole::kShim:
      return "shim";
    case BootFileRole::kGrub:
      return "grub";
    case BootFileRole::kGrubConfig:
      return "grubConfig";
    case BootFileRole::kKernel:
      return "kernel";
    case BootFileRole::kInitrd:
      return "initrd";
  }
  return "";
}

const BootFile* find_boot_file(const Manifest& manifest, BootFileRole role) {
  const auto found = std::find_if(manifest.boot_files.begin(), manifest.boot_files.end(),
                                  [role](const BootFile& file) { return file.role == role; });
  return found == manifest.boot_files.end() ? nullptr : &*found;
}

std::string to_json(const Manifest& manifest) {
  json::array files;
  for (const BootFile& file : manifest.boot_files) files.push_back(to_object(file));
  json::array pcr14;
  for (const Bytes& digest : manifest.pcr14_sha256) pcr14.push_back(json::string(to_hex(digest)));
  json::object object{{"version", manifest.version},
                      {"trustedLaunch", manifest.trusted_launch},
                      {"bootFiles", std::move(files)},
                      {"grubConfig", manifest.grub_config},
                      {"grubCommands", texts_to_json(manifest.grub_commands)},
                      {"kernelCommandLine", manifest.kernel_command_line},
                      {"rootHash", to_hex(manifest.root_hash)},
                      {"virtualSize", manifest.virtual_size},
                      {"gptEventSha256", to_hex(manifest.gpt_event_sha256)},
                      {"pcr14Sha256", std::move(pcr14)},
                      {"sbatLevelEventSha256", to_hex(manifest.sbat_level_event_sha256)},
                      {"unenforcedSbatLevelEventSha256", to_hex(manifest.unenforced_sbat_level_event_sha256)},
                      {"vendorAuthorityEventSha256", to_hex(manifest.vendor_authority_event_sha256)},
                      {"shimCertificateChains", to_json_array(manifest.shim_certificate_chains)}};
  // A manifest of before has the bytes that it had.
  if (!manifest.grub_certificate_chains.empty())
    object["grubCertificateChains"] = to_json_array(manifest.grub_certificate_chains);
  if (!manifest.kernel_certificate_chains.empty())
    object["kernelCertificateChains"] = to_json_array(manifest.kernel_certificate_chains);
  return json::serialize(object);
}

Result<Manifest> manifest_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const JsonDocument document, parse_json_document(text, kMaximumSize, kName));
  return manifest_from(document);
}

}  // namespace slipway::image
