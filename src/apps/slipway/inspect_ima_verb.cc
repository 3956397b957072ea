#include "apps/slipway/event_log_document.h"
#include "apps/slipway/inspect_verbs.h"

namespace slipway::cli {
namespace {

Result<std::string> inspect(const Inspection& inspection) {
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(inspection.file, bootchain::kMaximumImaLogSize));
  const auto entries = bootchain::parse_ima_log(bytes, bootchain::ImaTemplates::kAll);
  if (!entries) return fail(malformed_input(inspection.file, entries.error()));
  return inspection.format == "json" ? to_pretty_json(ima_log_document(*entries)) : ima_log_table(*entries);
}

}  // namespace

void add_inspect_ima(Shell& shell, CLI::App& inspect_noun) {
  add_inspection(shell, inspect_noun, "ima", "The kernel's IMA log: every measured file, and PCR 10",
                 "  slipway inspect ima /sys/kernel/security/ima/binary_runtime_measurements\n"
                 "  slipway inspect ima ima.bin -o json | jq -r '.entries[].path'\n",
                 inspect);
}

}  // namespace slipway::cli
