#include <filesystem>

#include "apps/slipway/inspect_verbs.h"
#include "apps/slipway/variables_document.h"

namespace slipway::cli {
namespace {

Result<ReadVariables> read_variables(const std::string& path, ByteView bytes) {
  const auto single = read_variable_file(std::filesystem::path(path).filename().string(), bytes);
  if (single) return ReadVariables{{*single}, false};
  if (single.error().code == ErrorCode::kMalformed) return fail(malformed_input(path, single.error()));
  auto store = bootchain::read_variable_store(bytes);
  if (!store) return fail(malformed_input(path, store.error()));
  return ReadVariables{*std::move(store), true};
}

Result<std::string> inspect(const Inspection& inspection) {
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(inspection.file, bootchain::kMaximumVariableStore));
  SLIPWAY_ASSIGN(const ReadVariables read, read_variables(inspection.file, bytes));
  return inspection.format == "json" ? to_pretty_json(variables_document(read)) : variables_table(read);
}

}  // namespace

void add_inspect_variables(Shell& shell, CLI::App& inspect_noun) {
  add_inspection(shell, inspect_noun, "variables", "A variable store of OVMF, or one variable of efivarfs, in words",
                 "  slipway inspect variables /usr/share/OVMF/OVMF_VARS_4M.ms.fd\n"
                 "  slipway inspect variables "
                 "/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f -o json\n",
                 inspect);
}

}  // namespace slipway::cli
