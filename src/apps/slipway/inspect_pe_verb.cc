#include "apps/slipway/inspect_verbs.h"
#include "apps/slipway/pe_document.h"
#include "bootchain/efi_variable.h"
#include "bootchain/variable_update.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaximumImage = 256U << 20;
constexpr std::size_t kMaximumRevocations = 4U << 20;

struct PeOptions {
  std::string variables, dbx, shim, loaded_by;
};

// The parser's error, with the file's name, unless it already is one about the call itself.
template <typename T>
Result<T> in_file(const std::string& path, Result<T> result) {
  if (!result && result.error().code == ErrorCode::kMalformed) return fail(malformed_input(path, result.error()));
  return result;
}

Result<MoreRevocations> add_revocations(const std::string& path, bootchain::SecureBootState& firmware) {
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(path, kMaximumRevocations));
  SLIPWAY_ASSIGN(const auto file, in_file(path, bootchain::read_signature_list_file(bytes)));
  MoreRevocations more;
  more.entries = file.signatures.size();
  firmware.dbx.insert(firmware.dbx.end(), file.signatures.begin(), file.signatures.end());
  if (!file.update) return more;
  more.update = true;
  SLIPWAY_ASSIGN(const bootchain::EfiGuid vendor, bootchain::guid_from_text(bootchain::kImageSecurityDatabase));
  // Published ones are appended; one that replaces the list is signed for other attributes.
  for (const std::uint32_t append : {bootchain::kAppendWrite, 0U}) {
    const auto signer = bootchain::verify_variable_update(
        *file.update, vendor, "dbx", bootchain::kSecureBootVariableAttributes | append, firmware.key_exchange_keys);
    more.problem = signer ? std::string() : signer.error().message;
    if (!signer) continue;
    more.signer = signer->subject();
    break;
  }
  return more;
}

Status judge(const PeOptions& options, InspectedPe& inspected) {
  if (options.variables.empty()) {
    if (!options.dbx.empty() || !options.shim.empty() || !options.loaded_by.empty())
      return fail(ErrorCode::kInvalidArgument,
                  "whether an image loads depends on a variable store: give it with --variables FILE.fd");
    return {};
  }
  SLIPWAY_ASSIGN(const Bytes store, read_input(options.variables, bootchain::kMaximumVariableStore));
  SLIPWAY_ASSIGN(const auto variables, in_file(options.variables, bootchain::read_variable_store(store)));
  SLIPWAY_ASSIGN(auto firmware, in_file(options.variables, bootchain::read_secure_boot_state(variables)));
  if (!options.dbx.empty()) {
    SLIPWAY_ASSIGN(inspected.more_revocations, add_revocations(options.dbx, firmware));
  }
  const std::string by = !options.loaded_by.empty() ? options.loaded_by : options.shim.empty() ? "firmware" : "shim";
  const bootchain::UnverifiedPeImage& image = inspected.image;
  if (by == "firmware") {
    inspected.decisions.emplace_back("firmware", bootchain::would_firmware_load(image, firmware));
    if (bootchain::section_of(image, ".vendor_cert").empty()) return {};
    SLIPWAY_ASSIGN(const auto trust, bootchain::read_shim_trust(image, variables));
    inspected.decisions.emplace_back("shimStart", bootchain::would_shim_start(image, firmware, trust));
    return {};
  }
  if (options.shim.empty())
    return fail(ErrorCode::kInvalidArgument, "what shim loads depends on what it carries: give it with --shim FILE");
  SLIPWAY_ASSIGN(const Bytes shim_file, read_input(options.shim, kMaximumImage));
  SLIPWAY_ASSIGN(const auto shim, in_file(options.shim, bootchain::parse_pe_image(shim_file)));
  SLIPWAY_ASSIGN(const auto trust, in_file(options.shim, bootchain::read_shim_trust(shim, variables)));
  const bool kernel = by == "grub";
  inspected.decisions.emplace_back(
      kernel ? "shimLock" : "shim",
      bootchain::would_shim_load(image, firmware, trust,
                                 kernel ? bootchain::ShimCaller::kShimLock : bootchain::ShimCaller::kShim));
  return {};
}

Result<std::string> inspect(const Inspection& inspection, const PeOptions& options) {
  SLIPWAY_ASSIGN(const Bytes file, read_input(inspection.file, kMaximumImage));
  InspectedPe inspected;
  SLIPWAY_ASSIGN(inspected.image, in_file(inspection.file, bootchain::parse_pe_image(file)));
  SLIPWAY_TRY(judge(options, inspected));
  if (inspection.format != "json") return in_file(inspection.file, pe_table(inspected));
  SLIPWAY_ASSIGN(const auto document, in_file(inspection.file, pe_document(inspected)));
  return to_pretty_json(document);
}

}  // namespace

void add_inspect_pe(Shell& shell, CLI::App& inspect_noun) {
  auto options = std::make_shared<PeOptions>();
  CLI::App* verb =
      add_inspection(shell, inspect_noun, "pe", "An EFI image: digests, signers, SBAT; and whether it would boot",
                     "  slipway inspect pe BOOTX64.EFI --variables OVMF_VARS_4M.ms.fd\n"
                     "  slipway inspect pe grubx64.efi --variables OVMF_VARS_4M.ms.fd --shim BOOTX64.EFI\n"
                     "  slipway inspect pe vmlinuz --variables OVMF_VARS_4M.ms.fd --shim BOOTX64.EFI --loaded-by grub\n"
                     "  slipway inspect pe BOOTX64.EFI --variables OVMF_VARS_4M.ms.fd --dbx dbxupdate.bin -o json\n",
                     [options](const Inspection& inspection) { return inspect(inspection, *options); });
  verb->add_option("--variables,--db", options->variables, "The machine's variable store: would the image load there?");
  verb->add_option("--dbx", options->dbx, "More revocations: signature lists, or an update of dbx");
  verb->add_option("--shim", options->shim, "The shim that loads the image");
  verb->add_option("--loaded-by", options->loaded_by,
                   "firmware, shim or grub (which asks shim); shim if --shim is given, firmware otherwise")
      ->check(CLI::IsMember({"firmware", "shim", "grub"}));
}

}  // namespace slipway::cli
