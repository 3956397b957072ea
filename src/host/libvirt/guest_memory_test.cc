#include "host/libvirt/guest_memory.h"

#include <gtest/gtest.h>

#include "bootchain/event_log.h"

namespace slipway::host {
namespace {

using bootchain::UnverifiedEvent;

UnverifiedEvent event(std::uint32_t pcr, std::uint32_t type, std::uint8_t fill) {
  UnverifiedEvent made;
  made.pcr = pcr;
  made.type = type;
  made.digests = {{bootchain::kSha256Bank, Bytes(32, fill)}};
  made.data = Bytes(4, 0);
  return made;
}

Bytes log_of(std::vector<UnverifiedEvent> events) {
  return bootchain::encode_event_log({{{bootchain::kSha256Bank, 32}}, std::move(events)});
}

// A machine of 512 MiB with a log at one address, 0xff behind it, and zeros elsewhere.
struct Machine {
  std::uint64_t address;
  Bytes log;

  Result<Bytes> read(std::uint64_t from, std::size_t size) const {
    Bytes piece(size, 0);
    for (std::size_t i = 0; i < log.size(); ++i) {
      if (address + i >= from && address + i < from + size) piece[address + i - from] = log[i];
    }
    return piece;
  }
  MemoryReader reader() const {
    return [this](std::uint64_t from, std::size_t size) { return read(from, size); };
  }
};

TEST(FindEventLog, FindsItAtAPage) {
  const Machine machine{(512U << 20) - 0x5000, log_of({event(0, bootchain::kEvSCrtmVersion, 1)})};
  EXPECT_EQ(find_event_log(machine.reader(), 512).value(), machine.address);
}

TEST(FindEventLog, TheSignatureAloneIsNoLog) {
  Machine machine{(512U << 20) - 0x5000, log_of({})};
  machine.log[4] = 4;
  EXPECT_EQ(find_event_log(machine.reader(), 512).value(), std::nullopt);
  const Machine between_pages{(512U << 20) - 0x5010, log_of({})};
  EXPECT_EQ(find_event_log(between_pages.reader(), 512).value(), std::nullopt);
}

TEST(FindEventLog, GivesUpAtItsDepth) {
  const Machine machine{(512U << 20) - (300U << 20), log_of({})};
  EXPECT_EQ(find_event_log(machine.reader(), 512).value(), std::nullopt);
}

TEST(FindEventLog, PassesOnThatMemoryCannotBeRead) {
  const auto result = find_event_log(
      [](std::uint64_t, std::size_t) -> Result<Bytes> { return fail(ErrorCode::kUnavailable, "gone"); }, 512);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
}

TEST(TopOfLowMemory, SplitsLargeMachines) {
  EXPECT_EQ(top_of_low_memory(2048), 0x80000000U);
  EXPECT_EQ(top_of_low_memory(2815), 2815ULL << 20);
  EXPECT_EQ(top_of_low_memory(4096), 0x80000000U);
}

TEST(ClosedPcr0Events, AreGivenOnceTheSeparatorIsThere) {
  std::vector<UnverifiedEvent> events{event(0, bootchain::kEvSCrtmVersion, 1), event(7, bootchain::kEvSeparator, 9),
                                      event(0, bootchain::kEvEfiPlatformFirmwareBlob, 2)};
  Bytes memory = log_of(events);
  memory.resize(65536, 0xff);
  EXPECT_EQ(closed_pcr0_events(memory).value(), std::nullopt);

  events.push_back(event(0, bootchain::kEvSeparator, 3));
  memory = log_of(events);
  memory.resize(65536, 0xff);
  const auto digests = closed_pcr0_events(memory).value();
  ASSERT_TRUE(digests);
  EXPECT_EQ(*digests, (std::vector<Bytes>{Bytes(32, 1), Bytes(32, 2), Bytes(32, 3)}));
}

}  // namespace
}  // namespace slipway::host
