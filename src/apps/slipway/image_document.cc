#include "apps/slipway/image_document.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/slipway/output.h"
#include "apps/slipway/pe_document.h"
#include "bootchain/pe_image.h"
#include "crypto/digest.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using image::BootFile;
using image::DiskImage;
using image::Manifest;

constexpr std::uint64_t kBlockSize = 512, kMebibyte = 1U << 20;
constexpr std::size_t kShownDigest = 16;

std::string kind_of(const DiskImage& image, int number) {
  if (number == image.esp_number) return "EFI system partition";
  if (image.verity && number == image.verity_number) return "dm-verity hash tree";
  return "other";
}

// A file of the boot partition, from the manifest where it has one.
struct ShownFile {
  std::string role, path, package;
  std::uint64_t size = 0;
  Bytes sha256, authenticode_sha256;
  std::vector<std::string> signers;
};

std::vector<ShownFile> shown_files(const DiskImage& image, const Result<Manifest>& manifest) {
  std::vector<ShownFile> files;
  if (manifest)
    for (const BootFile& file : manifest->boot_files)
      files.push_back({std::string(to_string(file.role)), file.path, file.package, file.size, file.sha256,
                       file.authenticode_sha256, file.signers});
  for (const auto& [path, bytes] : image.esp_files) {
    if (std::any_of(files.begin(), files.end(), [&path = path](const ShownFile& it) { return it.path == path; }))
      continue;
    ShownFile file{"", path, "", bytes.size(), crypto::sha256(bytes), {}, {}};
    if (const auto digest = bootchain::authenticode_sha256(bytes)) file.authenticode_sha256 = *digest;
    if (const auto signers = bootchain::pe_signers(bytes)) file.signers = *signers;
    files.push_back(std::move(file));
  }
  return files;
}

json::array texts(const std::vector<std::string>& all) { return json::array(all.begin(), all.end()); }

BootDecisions decisions_of(const std::string& path, const std::optional<ImageJudgement>& judgement) {
  if (!judgement) return {};
  const auto found = judgement->decisions.find(path);
  return found == judgement->decisions.end() ? BootDecisions{} : found->second;
}

std::string judgement_text(const ImageJudgement& judgement) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [path, decisions] : judgement.decisions)
    for (std::vector<std::string>& row : decision_rows(decisions)) {
      row.insert(row.begin(), path);
      rows.push_back(std::move(row));
    }
  return fmt::format("\n{}{}\nThis machine {} boot it\n", revocations_text(judgement.more_revocations),
                     to_table({"Path", "Loaded by", "Loads", "Why", "Signed by"}, rows),
                     judgement.boots ? "would" : "would not");
}

std::string short_digest(const Bytes& digest) {
  return digest.empty() ? "" : to_hex(digest).substr(0, kShownDigest) + "...";
}

}  // namespace

json::object image_document(const DiskImage& image, const Result<Manifest>& manifest,
                            const std::optional<ImageJudgement>& judgement) {
  json::array partitions;
  for (const bootchain::GptPartition& partition : image.table.partitions)
    partitions.push_back({{"number", partition.number},
                          {"kind", kind_of(image, partition.number)},
                          {"type", to_string(partition.type)},
                          {"guid", to_string(partition.unique)},
                          {"firstBlock", partition.first_block},
                          {"lastBlock", partition.last_block}});
  json::array files;
  for (const ShownFile& file : shown_files(image, manifest))
    files.push_back({{"role", file.role},
                     {"path", file.path},
                     {"package", file.package},
                     {"size", file.size},
                     {"sha256", to_hex(file.sha256)},
                     {"authenticodeSha256", to_hex(file.authenticode_sha256)},
                     {"signers", texts(file.signers)},
                     {"decisions", decisions_document(decisions_of(file.path, judgement))}});
  json::object document{
      {"virtualSize", image.virtual_size},
      {"partitions", std::move(partitions)},
      {"gptEventSha256", to_hex(crypto::sha256(image.table.event_data))},
      {"files", std::move(files)},
      {"rootHash", image.verity ? json::value(to_hex(image.verity->root_hash)) : json::value(nullptr)},
      {"version", manifest ? json::value(manifest->version) : json::value(nullptr)},
      {"grubCommands", manifest ? json::value(texts(manifest->grub_commands)) : json::value(nullptr)},
      {"kernelCommandLine", manifest ? json::value(manifest->kernel_command_line) : json::value(nullptr)},
      {"boots", judgement ? json::value(judgement->boots) : json::value(nullptr)},
      {"moreRevocations", revocations_document(judgement ? judgement->more_revocations : std::nullopt)},
      {"problem", manifest ? json::value(nullptr) : json::value(manifest.error().message)}};
  return document;
}

std::string image_table(const DiskImage& image, const Result<Manifest>& manifest,
                        const std::optional<ImageJudgement>& judgement) {
  std::vector<std::vector<std::string>> partitions, files;
  for (const bootchain::GptPartition& partition : image.table.partitions)
    partitions.push_back(
        {fmt::format("{}", partition.number), kind_of(image, partition.number),
         fmt::format("{} MiB", partition.first_block * kBlockSize / kMebibyte),
         fmt::format("{} MiB", (partition.last_block - partition.first_block + 1) * kBlockSize / kMebibyte),
         to_string(partition.unique)});
  for (const ShownFile& file : shown_files(image, manifest))
    files.push_back({file.role.empty() ? "-" : file.role, file.path, fmt::format("{}", file.size),
                     short_digest(file.sha256), short_digest(file.authenticode_sha256),
                     fmt::format("{}", fmt::join(file.signers, "; ")), file.package});
  std::string text =
      fmt::format("Disk of {} MiB\n\n{}\n{}", image.virtual_size / kMebibyte,
                  to_table({"Number", "Kind", "Start", "Size", "GUID"}, partitions),
                  to_table({"Role", "Path", "Bytes", "SHA-256", "Authenticode", "Signed by", "Package"}, files));
  text += fmt::format("\nRoot hash: {}\n", image.verity ? to_hex(image.verity->root_hash) : "there is no hash tree");
  if (judgement) text += judgement_text(*judgement);
  if (!manifest) return text + fmt::format("Not an image that Slipway boots: {}\n", manifest.error().message);
  text += fmt::format("Kernel command line: {}\n\n", manifest->kernel_command_line);
  std::vector<std::vector<std::string>> commands;
  for (const std::string& command : manifest->grub_commands) commands.push_back({command});
  return text + to_table({"GRUB command"}, commands);
}

}  // namespace slipway::cli
