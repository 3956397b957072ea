#pragma once

#include <boost/json.hpp>
#include <string>

#include "image/disk_image.h"

// What "slipway inspect image" prints, as documented in docs/formats/inspect.md.
namespace slipway::cli {

// `manifest` is that of the image, or says why there is none: an image that Slipway would refuse is shown all the same.
boost::json::object image_document(const image::DiskImage& image, const Result<image::Manifest>& manifest);
std::string image_table(const image::DiskImage& image, const Result<image::Manifest>& manifest);

}  // namespace slipway::cli
