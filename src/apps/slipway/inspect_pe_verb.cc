#include "apps/slipway/boot_machine.h"
#include "apps/slipway/inspect_verbs.h"
#include "apps/slipway/pe_document.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaximumImage = 256U << 20;

struct PeOptions {
  std::string variables, dbx, shim, loaded_by;
};

Status judge(const PeOptions& options, InspectedPe& inspected) {
  if (options.variables.empty()) {
    if (!options.dbx.empty() || !options.shim.empty() || !options.loaded_by.empty())
      return fail(ErrorCode::kInvalidArgument,
                  "whether an image loads depends on a variable store: give it with --variables FILE.fd");
    return {};
  }
  SLIPWAY_ASSIGN(const BootMachine machine, read_boot_machine(options.variables, options.dbx));
  inspected.more_revocations = machine.more_revocations;
  const std::string by = !options.loaded_by.empty() ? options.loaded_by : options.shim.empty() ? "firmware" : "shim";
  if (by == "firmware") {
    SLIPWAY_ASSIGN(inspected.decisions, decisions_of_firmware(inspected.image, machine));
    return {};
  }
  if (options.shim.empty())
    return fail(ErrorCode::kInvalidArgument, "what shim loads depends on what it carries: give it with --shim FILE");
  SLIPWAY_ASSIGN(const Bytes shim_file, read_input(options.shim, kMaximumImage));
  SLIPWAY_ASSIGN(const auto shim, in_file(options.shim, bootchain::parse_pe_image(shim_file)));
  SLIPWAY_ASSIGN(const auto trust, in_file(options.shim, bootchain::read_shim_trust(shim, machine.variables)));
  inspected.decisions = decisions_of_shim(
      inspected.image, machine, trust, by == "grub" ? bootchain::ShimCaller::kShimLock : bootchain::ShimCaller::kShim);
  return {};
}

Result<std::string> inspect(const Inspection& inspection, const PeOptions& options) {
  SLIPWAY_ASSIGN(const Bytes file, read_input(inspection.file, kMaximumImage));
  InspectedPe inspected;
  SLIPWAY_ASSIGN(inspected.image, in_file(inspection.file, bootchain::parse_pe_image(file)));
  SLIPWAY_TRY(in_file(inspection.file, judge(options, inspected)));
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
