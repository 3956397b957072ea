#include "apps/slipway/event_log_document.h"
#include "apps/slipway/inspect_verbs.h"

namespace slipway::cli {
namespace {

Result<std::string> inspect(const Inspection& inspection) {
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(inspection.file, bootchain::kMaximumEventLogSize));
  const auto recorded = bootchain::read_recorded_log(bytes);
  if (!recorded) return fail(malformed_input(inspection.file, recorded.error()));
  return inspection.format == "json" ? to_pretty_json(event_log_document(*recorded)) : event_log_table(*recorded);
}

}  // namespace

void add_inspect_eventlog(Shell& shell, CLI::App& inspect_noun) {
  add_inspection(shell, inspect_noun, "eventlog", "A firmware event log: every event in words, and the replayed PCRs",
                 "  slipway inspect eventlog /sys/kernel/security/tpm0/binary_bios_measurements\n"
                 "  slipway inspect eventlog log.bin -o json | jq '.pcrs.sha256'\n",
                 inspect);
}

}  // namespace slipway::cli
