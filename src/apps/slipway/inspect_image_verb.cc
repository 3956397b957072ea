#include "apps/slipway/image_document.h"
#include "apps/slipway/image_file.h"
#include "apps/slipway/image_name.h"
#include "apps/slipway/inspect_verbs.h"

namespace slipway::cli {
namespace {

struct ImageOptions {
  std::string variables, dbx;
};

Result<std::string> inspect(const Inspection& inspection, const ImageOptions& options) {
  if (options.variables.empty() && !options.dbx.empty())
    return fail(ErrorCode::kInvalidArgument,
                "whether an image boots depends on a variable store: give it with --variables FILE.fd");
  SLIPWAY_ASSIGN(const image::DiskImage image, read_image_file(inspection.file));
  SLIPWAY_ASSIGN(const NamedManifest named, find_manifest(inspection.file));
  const auto manifest = image::manifest_of(image, named.name);
  std::optional<ImageJudgement> judgement;
  if (!options.variables.empty()) {
    SLIPWAY_ASSIGN(const BootMachine machine, read_boot_machine(options.variables, options.dbx));
    judgement = judge_image(image, manifest, machine);
  }
  return inspection.format == "json" ? to_pretty_json(image_document(image, manifest, judgement))
                                     : image_table(image, manifest, judgement);
}

}  // namespace

void add_inspect_image(Shell& shell, CLI::App& inspect_noun) {
  auto options = std::make_shared<ImageOptions>();
  CLI::App* verb =
      add_inspection(shell, inspect_noun, "image",
                     "A disk image, raw or qcow2: partitions, boot files, signers, root hash, GRUB's commands; and "
                     "whether it would boot",
                     "  slipway inspect image SlipwayDebian-12-gen2TLcontainerd-202611.23.0.qcow2\n"
                     "  slipway inspect image disk.raw -o json | jq -r '.files[].path'\n"
                     "  slipway inspect image disk.raw --variables OVMF_VARS_4M.ms.fd --dbx dbxupdate.bin\n",
                     [options](const Inspection& inspection) { return inspect(inspection, *options); });
  verb->add_option("--variables,--db", options->variables,
                   "A machine's variable store: would shim, GRUB and kernel load there?");
  verb->add_option("--dbx", options->dbx, "More revocations: signature lists, or an update of dbx");
}

}  // namespace slipway::cli
