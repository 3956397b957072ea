#pragma once

namespace slipway::cli {

// CMake's project version.
inline constexpr const char* kVersion = SLIPWAY_VERSION;
// The azure-cli whose commands and output these verbs follow; newer than any that an article about them asks for.
inline constexpr const char* kAzVersion = "2.74.0";
// What is built in of az's extension aks-preview.
inline constexpr const char* kExtensionVersion = "1.0.0";

}  // namespace slipway::cli
