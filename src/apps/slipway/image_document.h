#pragma once

#include <boost/json.hpp>
#include <string>

#include "apps/slipway/image_judgement.h"

// What "slipway inspect image" prints, as documented in docs/formats/inspect.md.
namespace slipway::cli {

// `manifest` is that of the image, or says why there is none: an image that Slipway would refuse is shown all the same.
// `judgement` says whether a machine would boot it, where one was named.
boost::json::object image_document(const image::DiskImage& image, const Result<image::Manifest>& manifest,
                                   const std::optional<ImageJudgement>& judgement);
std::string image_table(const image::DiskImage& image, const Result<image::Manifest>& manifest,
                        const std::optional<ImageJudgement>& judgement);

}  // namespace slipway::cli
