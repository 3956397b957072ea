#include "apps/slipway/image_document.h"
#include "apps/slipway/image_file.h"
#include "apps/slipway/image_name.h"
#include "apps/slipway/inspect_verbs.h"

namespace slipway::cli {
namespace {

Result<std::string> inspect(const Inspection& inspection) {
  SLIPWAY_ASSIGN(const image::DiskImage image, read_image_file(inspection.file));
  SLIPWAY_ASSIGN(const NamedManifest named, find_manifest(inspection.file));
  const auto manifest = image::manifest_of(image, named.name);
  return inspection.format == "json" ? to_pretty_json(image_document(image, manifest)) : image_table(image, manifest);
}

}  // namespace

void add_inspect_image(Shell& shell, CLI::App& inspect_noun) {
  add_inspection(shell, inspect_noun, "image",
                 "A disk image, raw or qcow2: partitions, boot files, signers, root hash, GRUB's commands",
                 "  slipway inspect image SlipwayDebian-12-gen2TLcontainerd-202611.23.0.qcow2\n"
                 "  slipway inspect image disk.raw -o json | jq -r '.files[].path'\n",
                 inspect);
}

}  // namespace slipway::cli
