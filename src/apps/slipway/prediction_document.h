#pragma once

#include <boost/json.hpp>
#include <string>

#include "image/boot_comparison.h"
#include "image/prediction.h"

// What "slipway predict" prints, as documented in docs/formats/prediction.md.
namespace slipway::cli {

std::string prediction_table(const image::Prediction& prediction);

// A log held against the prediction, event by event. Texts of the log are made printable: they are a guest's.
boost::json::object comparison_document(const image::Prediction& prediction,
                                        const std::vector<image::ComparedEvent>& comparison);
std::string comparison_table(const image::Prediction& prediction, const std::vector<image::ComparedEvent>& comparison);

// How many lines are differences.
std::size_t count_differences(const std::vector<image::ComparedEvent>& comparison);

}  // namespace slipway::cli
