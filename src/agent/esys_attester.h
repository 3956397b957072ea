#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tpm/attester.h"

namespace slipway::agent {

struct EsysOptions {
  std::string tcti = "device:/dev/tpmrm0";  // as Tss2_TctiLdr_Initialize reads it: "swtpm:path=/run/x.sock"
  std::filesystem::path firmware_event_log = "/sys/kernel/security/tpm0/binary_bios_measurements";
  std::filesystem::path ima_log = "/sys/kernel/security/ima/binary_runtime_measurements";
};

// This machine's TPM 2.0, through ESAPI. The EK is the one at the persistent handle 0x81010001, else made from the
// default template. The AK is a primary key of the endorsement hierarchy with a fixed template: the TPM derives it from
// its own seed, so it is the same after every boot and nothing about it is stored. After each quote a counter in the
// TPM (NV index 0x01805c10, made at the first one) goes on by one, so that the TPM writes its clock down: after a power
// cut it may repeat what the TPM's own interval allows ("Timing Components", 2^22 ms at most; swtpm 4 s), and says
// "not safe" until it has passed what a verifier has seen. Not thread-safe.
class EsysAttester final : public tpm::Attester {
 public:
  // kUnavailable, naming the TCTI, where no TPM answers.
  static Result<std::unique_ptr<EsysAttester>> open(EsysOptions options);
  ~EsysAttester() override;

  Result<Bytes> endorsement_key_public() override;
  Result<Bytes> attestation_key_public() override;
  Result<Bytes> activate_credential(ByteView id_object, ByteView encrypted_secret) override;
  Result<tpm::UnverifiedQuote> quote(ByteView qualifying_data, const std::vector<int>& pcrs) override;
  Result<std::vector<Bytes>> read_pcrs(const std::vector<int>& pcrs) override;
  Result<Bytes> firmware_event_log() override;
  // Empty where the kernel has no IMA; kResourceExhausted above 2 MiB, which no enrolment message could carry.
  Result<Bytes> ima_log() override;

 private:
  class Connection;  // all that speaks ESAPI
  EsysAttester(EsysOptions options, std::unique_ptr<Connection> connection);

  EsysOptions options_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace slipway::agent
