#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/text.h"

// libvirt's objects behind ownership. For host/libvirt alone.
namespace slipway::host {

template <auto kFree>
struct LibvirtFreer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using DomainHandle = std::unique_ptr<virDomain, LibvirtFreer<virDomainFree>>;
using NetworkHandle = std::unique_ptr<virNetwork, LibvirtFreer<virNetworkFree>>;
using ConnectionHandle = std::unique_ptr<virConnect, LibvirtFreer<virConnectClose>>;

struct TextFreer {
  void operator()(char* text) const { std::free(text); }
};
using LibvirtText = std::unique_ptr<char, TextFreer>;

// libvirt's last error on this thread.
inline int last_libvirt_code() { return virGetLastErrorCode(); }

// "<what>: <libvirt's words>", made printable: they quote what QEMU says, and QEMU quotes what stands on a disk.
inline Error libvirt_error(std::string_view what, ErrorCode code = ErrorCode::kUnavailable) {
  return Error{code, std::string(what) + ": " + printable(virGetLastErrorMessage(), 1000), {}, {}};
}

}  // namespace slipway::host
