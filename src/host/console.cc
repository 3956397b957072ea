#include "host/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace slipway::host {
namespace {

constexpr std::size_t kMaximumRefusal = 200;
constexpr char kEscape = 0x1b;

// Where a control sequence that starts at `at` (with ESC) ends: CSI sequences at their final byte (ECMA-48, 5.4), any
// other after two bytes.
std::size_t end_of_sequence(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size()) return text.size();
  if (text[at + 1] != '[') return at + 2;
  std::size_t end = at + 2;
  while (end < text.size() && (text[end] < 0x40 || text[end] > 0x7e)) ++end;
  return std::min(end + 1, text.size());
}

// Cursor movements start a new line: the firmware's dialogs place their lines by them.
std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const char letter = text[i];
    if (letter == kEscape) {
      const std::size_t end = end_of_sequence(text, i);
      if (text[end - 1] == 'H' && !out.empty() && out.back() != '\n') out.push_back('\n');
      i = end;
      continue;
    }
    if (letter == '\n' || (letter >= 0x20 && letter < 0x7f)) {
      out.push_back(letter);
    } else if (letter != '\r') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(letter));
    }
    ++i;
  }
  return out;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool is_refusal(std::string_view line) {
  static constexpr std::array<std::string_view, 3> kLoaders{"bad shim signature", "Verification failed",
                                                            "Security Violation"};
  if (contains(line, "BdsDxe: failed to load") && contains(line, "Access Denied")) return true;
  return std::any_of(kLoaders.begin(), kLoaders.end(), [&](std::string_view text) { return contains(line, text); });
}

// The kernel's own EFI stub speaks before anything that the guest's root could write.
bool is_kernel_start(std::string_view line) { return contains(line, "EFI stub: ") || contains(line, "Linux version "); }

bool is_firmware_start(std::string_view line) { return line.substr(0, 15) == "BdsDxe: loading"; }

std::string trimmed(std::string_view line) {
  const auto first = line.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  line = line.substr(first, line.find_last_not_of(' ') + 1 - first);
  return std::string(line.substr(0, kMaximumRefusal));
}

}  // namespace

std::string console_tail(ByteView console) {
  return plain(as_text(console.last(std::min(console.size(), kConsoleTail))));
}

std::string find_boot_refusal(ByteView console) {
  const std::string text = plain(as_text(console.last(std::min(console.size(), kConsoleWindow))));
  std::string refusal;
  bool kernel_started = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (kernel_started) {
      if (is_firmware_start(line)) kernel_started = false;
    } else if (is_kernel_start(line)) {
      kernel_started = true;
      refusal.clear();
    } else if (refusal.empty() && is_refusal(line)) {
      refusal = trimmed(line);
    }
  }
  return refusal;
}

}  // namespace slipway::host
