#include <fmt/format.h>

#include "apps/slipway/inspect_verbs.h"
#include "bootchain/module_signature.h"
#include "crypto/certificate_details.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaximumModule = 256U << 20;
constexpr std::size_t kMaximumPem = 1U << 20;

json::value or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

json::object module_document(const bootchain::UnverifiedModule& module,
                             const std::optional<bootchain::ModuleDecision>& decision) {
  json::value signature = nullptr;
  if (module.signature) {
    const auto hash = module.signature->digest_algorithm();
    signature = json::object{{"offset", module.signature_offset},
                             {"hash", hash ? json::value(std::string(to_string(*hash))) : json::value(nullptr)},
                             {"issuer", or_null(module.signature->issuer())},
                             {"serial", or_null(module.signature->serial())},
                             {"keyId", or_null(to_hex(module.signature->key_id()))}};
  }
  json::value shown = nullptr;
  if (decision)
    shown = json::object{{"loads", decision->loads},
                         {"rule", decision->rule},
                         {"reason", decision->reason},
                         {"signer", decision->signer ? json::value(decision->signer->subject()) : nullptr}};
  return {{"contentSize", module.content.size()},
          {"contentSha256", to_hex(crypto::sha256(module.content))},
          {"signature", std::move(signature)},
          {"decision", std::move(shown)}};
}

std::string module_table(const bootchain::UnverifiedModule& module,
                         const std::optional<bootchain::ModuleDecision>& decision) {
  std::vector<std::vector<std::string>> rows = {
      {"content", fmt::format("{} bytes, sha256 {}", module.content.size(), to_hex(crypto::sha256(module.content)))}};
  if (!module.signature) {
    rows.push_back({"signature", "none"});
  } else {
    const auto hash = module.signature->digest_algorithm();
    rows.push_back({"signature", fmt::format("PKCS#7 over {}, at offset {}",
                                             hash ? to_string(*hash) : std::string_view("an unknown hash"),
                                             module.signature_offset)});
    rows.push_back({"signed by", module.signature->key_id().empty()
                                     ? fmt::format("issuer {}, serial number {}", module.signature->issuer(),
                                                   module.signature->serial())
                                     : "key identifier " + to_hex(module.signature->key_id())});
  }
  if (decision) rows.push_back({decision->loads ? "loads" : "does not load", decision->reason});
  return to_table({"What", "Value"}, rows);
}

Result<std::string> inspect(const Inspection& inspection, const std::vector<std::string>& certificate_files) {
  SLIPWAY_ASSIGN(const Bytes file, read_input(inspection.file, kMaximumModule));
  const auto module = bootchain::read_module(file);
  if (!module) return fail(malformed_input(inspection.file, module.error()));
  std::optional<bootchain::ModuleDecision> decision;
  if (!certificate_files.empty()) {
    std::vector<crypto::Certificate> trusted;
    for (const std::string& path : certificate_files) {
      SLIPWAY_ASSIGN(const Bytes pem, read_input(path, kMaximumPem));
      const auto certificates = crypto::certificates_from_pem(as_text(pem));
      if (!certificates) return fail(malformed_input(path, certificates.error()));
      trusted.insert(trusted.end(), certificates->begin(), certificates->end());
    }
    decision = bootchain::would_kernel_load(*module, trusted);
  }
  return inspection.format == "json" ? to_pretty_json(module_document(*module, decision))
                                     : module_table(*module, decision);
}

}  // namespace

void add_inspect_module(Shell& shell, CLI::App& inspect_noun) {
  auto certificates = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = add_inspection(
      shell, inspect_noun, "module", "A kernel module's signature, and whether a locked down kernel would load it",
      "  slipway inspect module overlay.ko --certificate debian-signer.pem\n",
      [certificates](const Inspection& inspection) { return inspect(inspection, *certificates); });
  verb->add_option("--certificate", *certificates,
                   "PEM certificates that the kernel trusts; may be given several times");
}

}  // namespace slipway::cli
