#pragma once

#include <string>
#include <vector>

namespace slipway::fleet {

// A node image that is ready for use.
struct NodeImage {
  std::string version;          // "SlipwayDebian-12-gen2TLcontainerd-202611.23.0"
  bool trusted_launch = false;  // fit for Trusted Launch
};

// The node images of this installation, oldest first.
struct ImageCatalog {
  std::vector<NodeImage> images;

  // The newest image of that kind, or null. The catalog owns it.
  const NodeImage* latest(bool trusted_launch) const {
    const NodeImage* found = nullptr;
    for (const NodeImage& image : images) {
      if (image.trusted_launch == trusted_launch) found = &image;
    }
    return found;
  }
  const NodeImage* find(const std::string& version) const {
    for (const NodeImage& image : images) {
      if (image.version == version) return &image;
    }
    return nullptr;
  }
};

}  // namespace slipway::fleet
