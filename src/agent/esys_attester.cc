#include "agent/esys_attester.h"

#include <fmt/core.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "files/file.h"

namespace slipway::agent {
namespace {

constexpr TPM2_HANDLE kEndorsementKeyHandle = 0x81010001;
// A counter of ours among the indices that an owner gives out (TCG Registry of Reserved TPM 2.0 Handles: 0x01800000 to
// 0x01bfffff). Its value means nothing; writing it is what keeps the clock.
constexpr TPM2_HANDLE kClockIndex = 0x01805c10;
constexpr std::size_t kMaximumFirmwareLog = 1U << 20;
constexpr std::size_t kMaximumImaLog = 2U << 20;

// What ESAPI allocates, it frees.
template <typename T>
struct EsysFree {
  void operator()(T* memory) const { Esys_Free(memory); }
};
template <typename T>
using EsysPointer = std::unique_ptr<T, EsysFree<T>>;

tl::unexpected<Error> tpm_failure(std::string_view command, TSS2_RC code) {
  return fail(ErrorCode::kUnavailable, fmt::format("{} failed: {}.", command, Tss2_RC_Decode(code)));
}

template <typename T>
void copy_into(T& buffer, ByteView bytes) {
  buffer.size = static_cast<UINT16>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), buffer.buffer);
}

// EK Credential Profile 2.0, B.3.3: RSA-2048, the default template L-1.
TPM2B_PUBLIC endorsement_template() {
  // PolicySecret(TPM_RH_ENDORSEMENT), SHA-256; the profile's B.6.2.
  static constexpr std::uint8_t kPolicy[] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
                                             0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
                                             0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
  TPM2B_PUBLIC area{};
  area.publicArea.type = TPM2_ALG_RSA;
  area.publicArea.nameAlg = TPM2_ALG_SHA256;
  area.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                     TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  copy_into(area.publicArea.authPolicy, kPolicy);
  TPMS_RSA_PARMS& rsa = area.publicArea.parameters.rsaDetail;
  rsa.symmetric.algorithm = TPM2_ALG_AES;
  rsa.symmetric.keyBits.aes = 128;
  rsa.symmetric.mode.aes = TPM2_ALG_CFB;
  rsa.scheme.scheme = TPM2_ALG_NULL;
  rsa.keyBits = 2048;
  area.publicArea.unique.rsa.size = 256;
  return area;
}

// Changing one bit of this gives every node another AK, which the server refuses for instances that enrolled.
TPM2B_PUBLIC attestation_template() {
  TPM2B_PUBLIC area{};
  area.publicArea.type = TPM2_ALG_RSA;
  area.publicArea.nameAlg = TPM2_ALG_SHA256;
  area.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
                                     TPMA_OBJECT_SIGN_ENCRYPT;
  TPMS_RSA_PARMS& rsa = area.publicArea.parameters.rsaDetail;
  rsa.symmetric.algorithm = TPM2_ALG_NULL;
  rsa.scheme.scheme = TPM2_ALG_RSASSA;
  rsa.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
  rsa.keyBits = 2048;
  static constexpr std::string_view kUnique = "slipway-attestation-key-v1";
  area.publicArea.unique.rsa.size = static_cast<UINT16>(kUnique.size());
  std::copy(kUnique.begin(), kUnique.end(), area.publicArea.unique.rsa.buffer);
  return area;
}

TPML_PCR_SELECTION selection_of(const std::vector<int>& pcrs) {
  TPML_PCR_SELECTION selection{};
  selection.count = 1;
  selection.pcrSelections[0].hash = TPM2_ALG_SHA256;
  selection.pcrSelections[0].sizeofSelect = 3;
  for (const int pcr : pcrs) {
    BYTE& octet = selection.pcrSelections[0].pcrSelect[pcr / 8];
    octet = static_cast<BYTE>(octet | (1U << (pcr % 8)));
  }
  return selection;
}

Status check_pcrs(const std::vector<int>& pcrs) {
  for (const int pcr : pcrs) {
    if (pcr < 0 || pcr > 23) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("PCR {} does not exist: a TPM has PCR 0 to 23.", pcr));
    }
  }
  return {};
}

Result<Bytes> marshal_public(const TPMT_PUBLIC& area) {
  Bytes bytes(sizeof(area));
  std::size_t size = 0;
  if (const TSS2_RC code = Tss2_MU_TPMT_PUBLIC_Marshal(&area, bytes.data(), bytes.size(), &size);
      code != TSS2_RC_SUCCESS) {
    return tpm_failure("Marshalling a public area", code);
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

class EsysAttester::Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const std::string& tcti) {
    auto connection = std::unique_ptr<Connection>(new Connection());
    TSS2_RC code = Tss2_TctiLdr_Initialize(tcti.c_str(), &connection->tcti_);
    if (code == TSS2_RC_SUCCESS) code = Esys_Initialize(&connection->context_, connection->tcti_, nullptr);
    if (code != TSS2_RC_SUCCESS) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("No TPM answers at {}: {}. Does this machine have a vTPM?", tcti, Tss2_RC_Decode(code)));
    }
    return connection;
  }

  ~Connection() {
    if (context_ != nullptr) {
      if (attestation_key_ != ESYS_TR_NONE) Esys_FlushContext(context_, attestation_key_);
      if (endorsement_key_ != ESYS_TR_NONE) {
        // A persistent key stays in the TPM; only this side's record of it goes.
        endorsement_key_persistent_ ? Esys_TR_Close(context_, &endorsement_key_)
                                    : Esys_FlushContext(context_, endorsement_key_);
      }
      Esys_Finalize(&context_);
    }
    if (tcti_ != nullptr) Tss2_TctiLdr_Finalize(&tcti_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ESYS_CONTEXT* get() { return context_; }

  Result<ESYS_TR> endorsement_key() {
    if (endorsement_key_ != ESYS_TR_NONE) return endorsement_key_;
    if (Esys_TR_FromTPMPublic(context_, kEndorsementKeyHandle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                              &endorsement_key_) == TSS2_RC_SUCCESS) {
      endorsement_key_persistent_ = true;
      return endorsement_key_;
    }
    SLIPWAY_ASSIGN(endorsement_key_, create_primary(endorsement_template(), "Making the endorsement key"));
    return endorsement_key_;
  }

  Result<ESYS_TR> attestation_key() {
    if (attestation_key_ == ESYS_TR_NONE) {
      SLIPWAY_ASSIGN(attestation_key_, create_primary(attestation_template(), "Making the attestation key"));
    }
    return attestation_key_;
  }

  Result<Bytes> read_public(ESYS_TR key) {
    TPM2B_PUBLIC* area = nullptr;
    const TSS2_RC code =
        Esys_ReadPublic(context_, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, nullptr, nullptr);
    const EsysPointer<TPM2B_PUBLIC> owned(area);
    if (code != TSS2_RC_SUCCESS) return tpm_failure("TPM2_ReadPublic", code);
    return marshal_public(area->publicArea);
  }

  // Makes the TPM write its clock to non-volatile memory, by one step of a counter. Without it swtpm, which notes the
  // clock each 4096 ms but writes nothing for its sake, keeps it at an orderly shutdown alone: a power cut throws it
  // back by the whole time since, and it calls itself safe again long before it has caught up. A TPM whose owner has a
  // password does not let us: then a power cut looks like a rollback, which is for a person to judge.
  void keep_clock() {
    ESYS_TR index = ESYS_TR_NONE;
    if (Esys_TR_FromTPMPublic(context_, kClockIndex, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &index) !=
            TSS2_RC_SUCCESS &&
        define_clock_index(&index) != TSS2_RC_SUCCESS) {
      return;
    }
    Esys_NV_Increment(context_, index, index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
    Esys_TR_Close(context_, &index);
  }

 private:
  Connection() = default;

  TSS2_RC define_clock_index(ESYS_TR* index) {
    const TPM2B_AUTH nobody_asks{};
    TPM2B_NV_PUBLIC area{};
    area.nvPublic.nvIndex = kClockIndex;
    area.nvPublic.nameAlg = TPM2_ALG_SHA256;
    area.nvPublic.attributes =
        (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT) | TPMA_NV_AUTHWRITE | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA;
    area.nvPublic.dataSize = sizeof(std::uint64_t);
    return Esys_NV_DefineSpace(context_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &nobody_asks,
                               &area, index);
  }

  Result<ESYS_TR> create_primary(const TPM2B_PUBLIC& area, std::string_view action) {
    const TPM2B_SENSITIVE_CREATE sensitive{};
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION no_pcrs{};
    ESYS_TR key = ESYS_TR_NONE;
    const TSS2_RC code =
        Esys_CreatePrimary(context_, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                           &area, &outside, &no_pcrs, &key, nullptr, nullptr, nullptr, nullptr);
    if (code != TSS2_RC_SUCCESS) return tpm_failure(action, code);
    return key;
  }

  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* context_ = nullptr;
  ESYS_TR endorsement_key_ = ESYS_TR_NONE;
  bool endorsement_key_persistent_ = false;
  ESYS_TR attestation_key_ = ESYS_TR_NONE;
};

namespace {

// A policy session that satisfies the EK's policy, flushed when it goes out of scope unless a command used it up.
class EndorsementSession {
 public:
  explicit EndorsementSession(ESYS_CONTEXT* context) : context_(context) {}
  ~EndorsementSession() {
    if (session_ != ESYS_TR_NONE) Esys_FlushContext(context_, session_);
  }
  EndorsementSession(const EndorsementSession&) = delete;
  EndorsementSession& operator=(const EndorsementSession&) = delete;

  Status start() {
    const TPMT_SYM_DEF no_encryption{TPM2_ALG_NULL, {}, {}};
    TSS2_RC code = Esys_StartAuthSession(context_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                         nullptr, TPM2_SE_POLICY, &no_encryption, TPM2_ALG_SHA256, &session_);
    if (code != TSS2_RC_SUCCESS) return tpm_failure("TPM2_StartAuthSession", code);
    code = Esys_PolicySecret(context_, ESYS_TR_RH_ENDORSEMENT, session_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                             nullptr, nullptr, nullptr, 0, nullptr, nullptr);
    if (code != TSS2_RC_SUCCESS) return tpm_failure("TPM2_PolicySecret", code);
    return {};
  }
  ESYS_TR get() const { return session_; }

 private:
  ESYS_CONTEXT* context_;
  ESYS_TR session_ = ESYS_TR_NONE;
};

}  // namespace

EsysAttester::EsysAttester(EsysOptions options, std::unique_ptr<Connection> connection)
    : options_(std::move(options)), connection_(std::move(connection)) {}

EsysAttester::~EsysAttester() = default;

Result<std::unique_ptr<EsysAttester>> EsysAttester::open(EsysOptions options) {
  SLIPWAY_ASSIGN(auto connection, Connection::open(options.tcti));
  return std::unique_ptr<EsysAttester>(new EsysAttester(std::move(options), std::move(connection)));
}

Result<Bytes> EsysAttester::endorsement_key_public() {
  SLIPWAY_ASSIGN(const ESYS_TR key, connection_->endorsement_key());
  return connection_->read_public(key);
}

Result<Bytes> EsysAttester::attestation_key_public() {
  SLIPWAY_ASSIGN(const ESYS_TR key, connection_->attestation_key());
  return connection_->read_public(key);
}

Result<Bytes> EsysAttester::activate_credential(ByteView id_object, ByteView encrypted_secret) {
  TPM2B_ID_OBJECT credential{};
  TPM2B_ENCRYPTED_SECRET seed{};
  std::size_t offset = 0;
  if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(id_object.data(), id_object.size(), &offset, &credential) != TSS2_RC_SUCCESS ||
      offset != id_object.size()) {
    return fail(ErrorCode::kMalformed, "The credential's identity object is not a TPM2B_ID_OBJECT.");
  }
  offset = 0;
  if (Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(encrypted_secret.data(), encrypted_secret.size(), &offset, &seed) !=
          TSS2_RC_SUCCESS ||
      offset != encrypted_secret.size()) {
    return fail(ErrorCode::kMalformed, "The credential's secret is not a TPM2B_ENCRYPTED_SECRET.");
  }
  SLIPWAY_ASSIGN(const ESYS_TR endorsement_key, connection_->endorsement_key());
  SLIPWAY_ASSIGN(const ESYS_TR attestation_key, connection_->attestation_key());
  EndorsementSession session(connection_->get());
  SLIPWAY_TRY(session.start());
  TPM2B_DIGEST* secret = nullptr;
  const TSS2_RC code = Esys_ActivateCredential(connection_->get(), attestation_key, endorsement_key, ESYS_TR_PASSWORD,
                                               session.get(), ESYS_TR_NONE, &credential, &seed, &secret);
  const EsysPointer<TPM2B_DIGEST> owned(secret);
  if (code != TSS2_RC_SUCCESS) return tpm_failure("TPM2_ActivateCredential", code);
  return Bytes(secret->buffer, secret->buffer + secret->size);
}

Result<tpm::UnverifiedQuote> EsysAttester::quote(ByteView qualifying_data, const std::vector<int>& pcrs) {
  SLIPWAY_TRY(check_pcrs(pcrs));
  TPM2B_DATA qualifying{};
  if (qualifying_data.size() > 64) {
    return fail(ErrorCode::kInvalidArgument, "Qualifying data of a quote has at most 64 bytes.");
  }
  copy_into(qualifying, qualifying_data);
  SLIPWAY_ASSIGN(const ESYS_TR key, connection_->attestation_key());
  TPMT_SIG_SCHEME of_the_key{};
  of_the_key.scheme = TPM2_ALG_NULL;
  const TPML_PCR_SELECTION selection = selection_of(pcrs);
  TPM2B_ATTEST* attest = nullptr;
  TPMT_SIGNATURE* signature = nullptr;
  TSS2_RC code = Esys_Quote(connection_->get(), key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &qualifying,
                            &of_the_key, &selection, &attest, &signature);
  const EsysPointer<TPM2B_ATTEST> owned_attest(attest);
  const EsysPointer<TPMT_SIGNATURE> owned_signature(signature);
  if (code != TSS2_RC_SUCCESS) return tpm_failure("TPM2_Quote", code);
  connection_->keep_clock();

  tpm::UnverifiedQuote quote;
  quote.attest.assign(attest->attestationData, attest->attestationData + attest->size);
  quote.signature.resize(sizeof(*signature));
  std::size_t size = 0;
  code = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, quote.signature.data(), quote.signature.size(), &size);
  if (code != TSS2_RC_SUCCESS) return tpm_failure("Marshalling a signature", code);
  quote.signature.resize(size);
  return quote;
}

Result<std::vector<Bytes>> EsysAttester::read_pcrs(const std::vector<int>& pcrs) {
  SLIPWAY_TRY(check_pcrs(pcrs));
  std::vector<Bytes> values;
  // One at a time: TPM2_PCR_Read gives at most eight, in the TPM's order and not in the caller's.
  for (const int pcr : pcrs) {
    const TPML_PCR_SELECTION selection = selection_of({pcr});
    TPML_DIGEST* digests = nullptr;
    const TSS2_RC code = Esys_PCR_Read(connection_->get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &selection,
                                       nullptr, nullptr, &digests);
    const EsysPointer<TPML_DIGEST> owned(digests);
    if (code != TSS2_RC_SUCCESS) return tpm_failure("TPM2_PCR_Read", code);
    if (digests->count != 1) {
      return fail(ErrorCode::kPreconditionFailed,
                  fmt::format("The TPM gives no sha256 value of PCR {}: its sha256 bank is off.", pcr));
    }
    values.emplace_back(digests->digests[0].buffer, digests->digests[0].buffer + digests->digests[0].size);
  }
  return values;
}

Result<Bytes> EsysAttester::firmware_event_log() {
  return files::read_file(options_.firmware_event_log, kMaximumFirmwareLog);
}

Result<Bytes> EsysAttester::ima_log() {
  auto log = files::read_file(options_.ima_log, kMaximumImaLog);
  if (!log && log.error().code == ErrorCode::kNotFound) return Bytes{};
  return log;
}

}  // namespace slipway::agent
