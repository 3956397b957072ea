#include <fmt/format.h>

#include <iostream>

#include "apps/slipway/boot_report.h"
#include "apps/slipway/evidence_checks.h"
#include "apps/slipway/evidence_report.h"
#include "apps/slipway/files.h"
#include "apps/slipway/inspect_verbs.h"
#include "apps/slipway/node_lookup.h"
#include "attestation/evidence_bundle.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaximumDbx = 1U << 20;
constexpr std::size_t kMaximumPolicy = 64U << 10;

struct EvidenceOptions {
  NodeOptions node;
  std::string file, policy, dbx;
  EvidencePins pins;
  std::string format = "table";
};

// The bundle in the file; exit status 2 with the byte offset where it is none.
Result<attestation::EvidenceBundle> read_bundle(const std::string& path) {
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(path, attestation::kMaximumBundle));
  auto bundle = attestation::bundle_from_json(as_text(bytes));
  if (!bundle) return fail(malformed_input(path, bundle.error()));
  return bundle;
}

Status use_policy(const std::string& path, attestation::EvidenceBundle& bundle) {
  if (path.empty()) return {};
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(path, kMaximumPolicy));
  auto policy = attestation::policy_from_json(as_text(bytes));
  if (!policy) return fail(malformed_input(path, policy.error()));
  bundle.references.policy = *std::move(policy);
  return {};
}

Status use_dbx(const std::string& path, attestation::EvidenceBundle& bundle) {
  if (path.empty()) return {};
  SLIPWAY_ASSIGN(const Bytes bytes, read_input(path, kMaximumDbx));
  const auto added = attestation::revocations_from_dbx(bytes);
  if (!added) return fail(malformed_input(path, added.error()));
  attestation::Revocations& all = bundle.references.revocations;
  all.image_sha256.insert(all.image_sha256.end(), added->image_sha256.begin(), added->image_sha256.end());
  all.certificates.insert(all.certificates.end(), added->certificates.begin(), added->certificates.end());
  all.certificate_sha256.insert(all.certificate_sha256.end(), added->certificate_sha256.begin(),
                                added->certificate_sha256.end());
  return {};
}

// An error about what is in the file names the file.
tl::unexpected<Error> of_file(const std::string& path, Error error) {
  error.message = fmt::format("{}: {}", path, error.message);
  return fail(std::move(error));
}

Status show(const EvidenceOptions& options) {
  SLIPWAY_ASSIGN(const attestation::EvidenceBundle bundle, read_bundle(options.file));
  std::cout << (options.format == "json" ? to_pretty_json(evidence_document(bundle)) : evidence_table(bundle))
            << std::flush;
  return {};
}

Status verify(const EvidenceOptions& options) {
  SLIPWAY_ASSIGN(attestation::EvidenceBundle bundle, read_bundle(options.file));
  SLIPWAY_TRY(use_policy(options.policy, bundle));
  SLIPWAY_TRY(use_dbx(options.dbx, bundle));
  const auto checked = check_evidence(bundle, options.pins);
  if (!checked) return of_file(options.file, checked.error());
  SLIPWAY_ASSIGN(const attestation::Verdict verdict, attestation::appraise_again(bundle));
  const std::string json = to_json(verdict);
  // The verdict's own bytes: they are what is compared.
  const auto in_words = [&] {
    return boot_verdict_text(verdict) + '\n' + evidence_basis(bundle, *checked, options.pins, !options.policy.empty());
  };
  std::cout << (options.format == "json" ? json + "\n" : in_words()) << std::flush;
  const bool as_given = options.policy.empty() && options.dbx.empty();
  if (as_given && json != bundle.verdict)
    return fail(
        ErrorCode::kConflict,
        fmt::format("{}: appraised again, its evidence gives another verdict than the one in the bundle: it was "
                    "changed, or another version of slipway made it",
                    options.file),
        "VerdictDiffers");
  if (verdict.verdict_class == attestation::VerdictClass::kTrusted) return {};
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("{}: the verdict is {}", options.file, attestation::to_string(verdict.verdict_class)),
              "NotTrusted");
}

Status get(const EvidenceOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.node.output));
  SLIPWAY_ASSIGN(const std::string path, find_node_path(client, options.node));
  SLIPWAY_ASSIGN(const auto bundle, client.get(path + "/evidence", kClusterApi));
  const std::string text = boost::json::serialize(bundle) + "\n";
  auto checked = attestation::bundle_from_json(text);
  if (!checked) return fail(malformed_input("the server's answer", checked.error()));
  SLIPWAY_TRY(write_private_file(options.file, text));
  Shell::say(fmt::format("{} holds the evidence of {} of {}", options.file, options.node.name,
                         to_rfc3339(checked->circumstances.now)),
             options.node.output);
  return {};
}

Status token(const EvidenceOptions& options) {
  SLIPWAY_ASSIGN(auto client, Shell::connect(options.node.output));
  SLIPWAY_ASSIGN(const std::string path, find_node_path(client, options.node));
  SLIPWAY_ASSIGN(const auto answer, client.get(path + "/attestationResult", kClusterApi));
  const boost::json::value* const found = answer.is_object() ? answer.get_object().if_contains("token") : nullptr;
  if (found == nullptr || !found->is_string())
    return fail(ErrorCode::kMalformed, "the server's answer holds no token; is it of another version?");
  std::cout << std::string_view(found->get_string()) << '\n' << std::flush;
  return {};
}

}  // namespace

void add_evidence(Shell& shell) {
  CLI::App* noun = Shell::add_noun(shell.app(), "evidence", "What nodes sent to prove their boot");
  const auto add = [&](const std::string& name, const std::string& description, const std::string& examples,
                       Status (*run)(const EvidenceOptions&)) {
    auto options = std::make_shared<EvidenceOptions>();
    CLI::App* verb = shell.add_verb(*noun, name, description, examples, [options, run] { return run(*options); });
    return std::pair(verb, options);
  };
  const auto add_format = [](CLI::App* verb, const std::shared_ptr<EvidenceOptions>& options) {
    verb->add_option("BUNDLE", options->file, "The evidence bundle")->required();
    verb->add_option("--output,-o", options->format, "table or json")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
  };
  const auto add_node = [](CLI::App* verb, const std::shared_ptr<EvidenceOptions>& options) {
    verb->add_option("name", options->node.name, "The node, as \"slipway node list\" names it")->required();
    verb->add_option("--resource-group,-g", options->node.group, "Only the clusters of this group");
    verb->add_option("--cluster-name", options->node.cluster, "Look in this cluster only; needs --resource-group");
    add_output(*verb, options->node.output);
  };
  const auto [got, got_options] =
      add("get", "Save the last evidence of a node as one file",
          "  slipway evidence get aks-nodepool1-3f9a2b1-vmss000000 --file node.evidence\n", get);
  add_node(got, got_options);
  got->add_option("--file,-f", got_options->file, "Where the bundle goes")->required();
  const auto [tokened, token_options] = add("token", "Print the last attestation result of a node, a JWT",
                                            "  slipway evidence token aks-nodepool1-3f9a2b1-vmss000000\n", token);
  add_node(tokened, token_options);
  const auto [shown, show_options] = add("show", "Show what is in an evidence bundle (needs no server)",
                                         "  slipway evidence show node.evidence\n", show);
  add_format(shown, show_options);
  const auto [verified, verify_options] =
      add("verify", "Appraise the evidence of a bundle again (needs no server)",
          "  slipway evidence verify node.evidence\n"
          "  slipway evidence verify node.evidence --policy strict.json --dbx dbxupdate.bin -o json\n",
          verify);
  add_format(verified, verify_options);
  verified->add_option("--policy", verify_options->policy, "Judge by this policy instead of the bundle's");
  verified->add_option("--dbx", verify_options->dbx, "Also hold it against these revocations (EFI signature lists)");
  verified->add_option("--attestation-key", verify_options->pins.attestation_key,
                       "The TPM name of the key that must have signed (hexadecimal)");
  verified->add_option("--tpm-roots", verify_options->pins.tpm_roots,
                       "A folder of certificates of TPM makers: one of its roots must vouch for the endorsement key");
}

}  // namespace slipway::cli
