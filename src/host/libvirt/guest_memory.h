#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/bytes.h"
#include "host/host.h"

// A firmware's event log as it lies in a VM's memory. Pure: the memory is read through a function.
namespace slipway::host {

// Reads guest-physical memory. `size` is at most kMemoryPiece.
using MemoryReader = std::function<Result<Bytes>(std::uint64_t address, std::size_t size)>;
inline constexpr std::size_t kMemoryPiece = 1U << 20;

// Where the firmware's memory below 4 GiB ends on a q35 machine with this much of it: the log lies not far below.
std::uint64_t top_of_low_memory(int memory_mib);

// Looks for the header event of a crypto-agile log (its signature "Spec ID Event03") at the start of a page, downwards
// from the top and at most 256 MiB deep: the log's address, or nothing.
Result<std::optional<std::uint64_t>> find_event_log(const MemoryReader& read, int memory_mib);

// The SHA-256 digests of the events of PCR 0 in the log that begins `memory`, in order; nothing while the firmware has
// not closed that PCR by an EV_SEPARATOR.
Result<std::optional<std::vector<Bytes>>> closed_pcr0_events(ByteView memory);

}  // namespace slipway::host
