#pragma once

#include <string_view>

// Which unquoted words YAML 1.1 reads as something other than text: what Kubernetes' own reader does with a manifest.
namespace slipway::cli {

enum class YamlScalar { kText, kBoolean, kInteger, kFloat, kNull, kTimestamp };

// Of a plain (unquoted) scalar without surrounding space.
YamlScalar plain_scalar_type(std::string_view text);

// True if the text can stand unquoted and is read back as the same text.
bool is_plain_yaml_text(std::string_view text);

}  // namespace slipway::cli
