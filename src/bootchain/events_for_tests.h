#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bootchain/event_data.h"
#include "bootchain/event_log.h"
#include "crypto/digest.h"

namespace slipway::bootchain {

// An event of one bank whose digest is that of `content`, or of its data where none is given.
inline UnverifiedEvent make_event(std::uint32_t pcr, std::uint32_t type, Bytes data) {
  return {0, pcr, type, {{kSha256Bank, crypto::sha256(data)}}, std::move(data)};
}
inline UnverifiedEvent make_event(std::uint32_t pcr, std::uint32_t type, Bytes data, ByteView content) {
  return {0, pcr, type, {{kSha256Bank, crypto::sha256(content)}}, std::move(data)};
}

inline UnverifiedEventLog make_log(std::vector<UnverifiedEvent> events) {
  return {{{kSha256Bank, 32}}, std::move(events)};
}

// The log with the events' data digested once more, for each bank that there may be: no machine at hand logs all four.
inline UnverifiedEventLog with_every_bank(UnverifiedEventLog log) {
  log.banks.clear();
  for (const std::uint16_t bank : {kSha1Bank, kSha256Bank, kSha384Bank, kSha512Bank})
    log.banks.push_back({bank, static_cast<std::uint16_t>(crypto::digest_size(*hash_of_bank(bank)))});
  for (UnverifiedEvent& event : log.events) {
    event.digests.clear();
    for (const LogBank& bank : log.banks)
      event.digests.push_back({bank.bank, crypto::digest(*hash_of_bank(bank.bank), event.data)});
  }
  return log;
}

// The names of the logs of tests/corpus/eventlogs, without their ending.
inline const std::vector<std::string>& log_names() {
  static const std::vector<std::string> names{"rhel9-qemu-ovmf-secureboot", "keylime-host", "thinkpad-fedora",
                                              "fedora-bootlog"};
  return names;
}

// Every firmware event log of tests/corpus, by its path there.
inline const std::vector<std::string>& log_paths() {
  static const std::vector<std::string> paths{"eventlogs/rhel9-qemu-ovmf-secureboot.bin",
                                              "eventlogs/keylime-host.bin",
                                              "eventlogs/thinkpad-fedora.bin",
                                              "eventlogs/fedora-bootlog.bin",
                                              "boots/debian12-ovmf-secureboot/log.bin",
                                              "boots/debian12-ovmf-verity/log.bin",
                                              "boots/debian12-ovmf-minimal-secureboot-on/log.bin",
                                              "boots/debian12-ovmf-minimal-secureboot-off/log.bin",
                                              "boots/slipway-node-verity/log.bin"};
  return paths;
}

// Reproducible arbitrary values for property tests.
class Arbitrary {
 public:
  explicit Arbitrary(std::uint32_t seed) : engine_(seed) {}

  std::uint32_t number(std::uint32_t below) { return static_cast<std::uint32_t>(engine_() % below); }
  Bytes bytes(std::size_t size) {
    Bytes made(size);
    for (std::uint8_t& byte : made) byte = static_cast<std::uint8_t>(engine_());
    return made;
  }
  Bytes some_bytes(std::uint32_t at_most) { return bytes(number(at_most + 1)); }
  std::string text(std::uint32_t at_most) {
    std::string made(number(at_most + 1), ' ');
    for (char& character : made) character = static_cast<char>('!' + number('~' - '!'));
    return made;
  }
  // Valid UTF-8 with what JSON must escape, what it may, and characters of every length.
  std::string unicode(std::uint32_t at_most) {
    static const std::vector<std::string> pieces{"a",
                                                 "/",
                                                 " ",
                                                 "\"",
                                                 "\\",
                                                 "\n",
                                                 std::string(1, '\0'),
                                                 "\x1f",
                                                 "\x7f",
                                                 "\xc3\xa9",
                                                 "\xe2\x82\xac",
                                                 "\xf0\x9f\x98\x80"};
    std::string made;
    for (std::uint32_t i = number(at_most + 1); i-- > 0;)
      made += pieces[number(static_cast<std::uint32_t>(pieces.size()))];
    return made;
  }
  std::vector<std::string> unicodes(std::uint32_t at_most) {
    std::vector<std::string> made(number(at_most + 1));
    for (std::string& one : made) one = unicode(20);
    return made;
  }
  std::uint64_t number64() { return std::uint64_t{engine_()} << 32 | engine_(); }
  bool flag() { return number(2) == 0; }
  UnverifiedEvent event(const std::vector<LogBank>& banks) {
    UnverifiedEvent made;
    made.pcr = number(4) == 0 ? 0xffffffff : number(24);
    made.type = number(2) == 0 ? number(0x20) : 0x80000000 + number(0x100);
    for (const LogBank& bank : banks) made.digests.push_back({bank.bank, bytes(bank.digest_size)});
    made.data = some_bytes(200);
    return made;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace slipway::bootchain
