#include "host/libvirt/probe.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <pugixml.hpp>

#include "files/file.h"
#include "host/process.h"

namespace slipway::host {
namespace {

constexpr milliseconds kProbeTimeout{20'000};
constexpr const char* kEmulator = "/usr/bin/qemu-system-x86_64";

std::string version_text(unsigned long version) {
  return fmt::format("{}.{}.{}", version / 1'000'000, version / 1000 % 1000, version % 1000);
}

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

// Empty if KVM runs the firmware; else why not. A firmware that finds nothing to boot would wait for ever: so QEMU is
// stopped by timeout(1), and what its serial line said by then decides.
std::string why_not_kvm(const FirmwareFiles& firmware, const std::filesystem::path& scratch_folder) {
  if (::access("/dev/kvm", R_OK | W_OK) != 0) return "/dev/kvm is not there";
  const std::filesystem::path store = scratch_folder / "probe.fd";
  if (auto copied = files::copy_file(firmware.empty_store, store, 0, 0, 0600); !copied) return copied.error().message;
  const auto result = run_process({
      .argv = {"timeout",     "--signal=KILL",
               "10",          kEmulator,
               "-accel",      "kvm",
               "-cpu",        "max",
               "-machine",    "q35,smm=on",
               "-m",          "512",
               "-nodefaults", "-no-user-config",
               "-display",    "none",
               "-serial",     "stdio",
               "-global",     "driver=cfi.pflash01,property=secure,value=on",
               "-drive",      "if=pflash,unit=0,format=raw,readonly=on,file=" + firmware.code.native(),
               "-drive",      "if=pflash,unit=1,format=raw,file=" + store.native()},
      .timeout = kProbeTimeout,
  });
  (void)files::remove_path(store);
  if (!result) return result.error().message;
  if (result->output.find("BdsDxe") != std::string::npos) return {};
  if (!result->error_output.empty()) return first_line(result->error_output);
  return "the firmware did not reach its boot manager within 10 s";
}

}  // namespace

Result<FirmwareFiles> find_firmware(const std::filesystem::path& folder) {
  FirmwareFiles files{folder / "OVMF_CODE_4M.secboot.fd", folder / "OVMF_VARS_4M.ms.fd", folder / "OVMF_VARS_4M.fd"};
  for (const auto& file : {files.code, files.enrolled_store, files.empty_store}) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) {
      return fail(ErrorCode::kUnavailable, file.native() + " is missing: install the package ovmf");
    }
  }
  return files;
}

std::string machine_type_of(const std::string& domain_capabilities) {
  pugi::xml_document document;
  if (!document.load_buffer(domain_capabilities.data(), domain_capabilities.size())) return {};
  return document.child("domainCapabilities").child("machine").text().as_string();
}

Result<Capabilities> probe_machine(virConnectPtr connection, const FirmwareFiles& firmware,
                                   const std::filesystem::path& scratch_folder) {
  Capabilities found;
  unsigned long version = 0;
  if (virConnectGetVersion(connection, &version) != 0) {
    return fail(libvirt_error("QEMU's version is not known: is the package qemu-system-x86 installed?"));
  }
  found.qemu_version = version_text(version);
  const LibvirtText text(virConnectGetDomainCapabilities(connection, nullptr, "x86_64", "q35", "qemu", 0));
  if (!text) return fail(libvirt_error("QEMU cannot run the machine type q35"));
  found.machine_type = machine_type_of(text.get());
  if (found.machine_type.empty()) return fail(ErrorCode::kInternal, "libvirt names no version of the machine type q35");
  const std::string refusal = why_not_kvm(firmware, scratch_folder);
  found.accelerator = refusal.empty() ? "kvm" : "tcg";
  found.explanation = refusal.empty()
                          ? "KVM runs the Secure Boot firmware with SMM here"
                          : "VMs run in software emulation, several times slower, since KVM does not run the Secure "
                            "Boot firmware here: " +
                                refusal;
  return found;
}

}  // namespace slipway::host
