#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"

// A VM's serial console. The firmware writes it first and the guest after it, so every byte may be hostile. Pure.
namespace slipway::host {

// How much of a console's end is read at all, and how much of it is shown.
inline constexpr std::size_t kConsoleWindow = 256U << 10;
inline constexpr std::size_t kConsoleTail = 4U << 10;

// The last kConsoleTail bytes for people: terminal control sequences and carriage returns are dropped, any other byte
// but printable ASCII and newline stands as \xNN. Never longer than 4 * kConsoleTail.
std::string console_tail(ByteView console);

// The line with which firmware, shim or GRUB said that it refuses to go on, escaped as above and at most 200
// characters; empty where the console shows none since the last power-on or reset, or where a kernel has started after
// it. Knows "Access Denied" and "Security Violation" of the firmware's boot manager, shim's "Verification failed"
// dialog, and GRUB's "bad shim signature".
std::string find_boot_refusal(ByteView console);

}  // namespace slipway::host
