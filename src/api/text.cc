#include "api/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace slipway::api {

std::string percent_encoded(std::string_view text, std::string_view also_plain) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          std::string_view("-._~").find(c) != std::string_view::npos ||
                          also_plain.find(c) != std::string_view::npos;
    encoded += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

std::optional<std::map<std::string, std::string>> parse_form(std::string_view body) {
  const auto decode = [](std::string_view text) -> std::optional<std::string> {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%') {
        const auto byte = from_hex(text.substr(i + 1, 2));
        if (!byte || byte->size() != 1) return {};
        result.push_back(static_cast<char>(byte->front()));
        i += 2;
      } else {
        result.push_back(text[i] == '+' ? ' ' : text[i]);
      }
    }
    return result;
  };
  std::map<std::string, std::string> form;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decode(pair.substr(0, equals));
    const auto value = decode(equals == pair.size() ? std::string_view() : pair.substr(equals + 1));
    if (!name || !value || !form.emplace(*name, *value).second) return {};
  }
  return form;
}

}  // namespace slipway::api
