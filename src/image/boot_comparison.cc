#include "image/boot_comparison.h"

#include <algorithm>

#include "image/closed_table.h"

namespace slipway::image {
namespace {

using bootchain::UnverifiedEvent;
using Predicted = std::vector<const PredictedEvent*>;
// One event, or all those of the closed table that stand side by side.
using Logged = std::vector<std::vector<const UnverifiedEvent*>>;

// Beyond this many events on both sides the middle of two logs is told line by line instead of by its best alignment.
constexpr std::size_t kMaximumAligned = 1024;

bool varies(const UnverifiedEvent& event) {
  return event.pcr <= 23 && may_vary(static_cast<int>(event.pcr), event.type, event.data);
}

bool is_same_kind(const PredictedEvent& predicted, const UnverifiedEvent& actual) {
  return actual.pcr == static_cast<std::uint32_t>(predicted.pcr) && actual.type == predicted.type;
}

bool lacks_calibration(const PredictedEvent& predicted) {
  return predicted.origin == Origin::kCalibrated && predicted.sha256.empty();
}

bool fits(const PredictedEvent& predicted, const UnverifiedEvent& actual) {
  if (predicted.origin == Origin::kMayVary) return varies(actual);
  if (!is_same_kind(predicted, actual)) return false;
  if (lacks_calibration(predicted)) return true;
  const bootchain::DigestValue* digest = find_digest(actual, bootchain::kSha256Bank);
  return digest != nullptr && *digest == predicted.sha256;
}

Match match_of(const PredictedEvent& predicted) {
  if (predicted.origin == Origin::kMayVary) return Match::kMayVary;
  return lacks_calibration(predicted) ? Match::kNotCalibrated : Match::kEqual;
}

Logged logged_events(const bootchain::UnverifiedEventLog& log) {
  Logged logged;
  bool in_run = false;
  for (const UnverifiedEvent& event : log.events) {
    if (event.type == bootchain::kEvNoAction) continue;
    const bool varying = varies(event);
    if (!varying || !in_run) logged.emplace_back();
    logged.back().push_back(&event);
    in_run = varying;
  }
  return logged;
}

class Comparer {
 public:
  Comparer(const Prediction& prediction, const bootchain::UnverifiedEventLog& log) : logged_(logged_events(log)) {
    for (const PredictedEvent& event : prediction.events) predicted_.push_back(&event);
  }

  std::vector<ComparedEvent> run() {
    const std::size_t shorter = std::min(predicted_.size(), logged_.size());
    std::size_t head = 0;
    while (head < shorter && fit(head, head)) ++head;
    std::size_t tail = 0;
    while (tail < shorter - head && fit(predicted_.size() - 1 - tail, logged_.size() - 1 - tail)) ++tail;
    for (std::size_t i = 0; i < head; ++i) tell_match(i, i);
    align(head, predicted_.size() - tail, head, logged_.size() - tail);
    for (std::size_t i = tail; i > 0; --i) tell_match(predicted_.size() - i, logged_.size() - i);
    return std::move(lines_);
  }

 private:
  bool fit(std::size_t i, std::size_t j) const { return fits(*predicted_[i], *logged_[j].front()); }

  void tell_match(std::size_t i, std::size_t j) {
    for (const UnverifiedEvent* event : logged_[j]) lines_.push_back({match_of(*predicted_[i]), predicted_[i], event});
  }
  void tell_missing(std::size_t i) {
    // There may be as few of these as none.
    if (predicted_[i]->origin != Origin::kMayVary) lines_.push_back({Match::kMissing, predicted_[i], nullptr});
  }
  void tell_unexpected(std::size_t j) {
    for (const UnverifiedEvent* event : logged_[j]) lines_.push_back({Match::kUnexpected, nullptr, event});
  }

  // A run of predicted events that are not there beside a run of logged ones that were not predicted: those of one kind
  // are one difference.
  void tell_differences(std::size_t i, std::size_t i_end, std::size_t j, std::size_t j_end) {
    for (; i < i_end; ++i) {
      std::size_t place = j;
      while (place < j_end && (logged_[place].size() != 1 || !is_same_kind(*predicted_[i], *logged_[place].front())))
        ++place;
      if (place == j_end) {
        tell_missing(i);
        continue;
      }
      for (; j < place; ++j) tell_unexpected(j);
      lines_.push_back({Match::kDifferent, predicted_[i], logged_[j++].front()});
    }
    for (; j < j_end; ++j) tell_unexpected(j);
  }

  void align(std::size_t i, std::size_t i_end, std::size_t j, std::size_t j_end) {
    if (i_end - i > kMaximumAligned || j_end - j > kMaximumAligned) {
      tell_differences(i, i_end, j, j_end);
      return;
    }
    // The length of the longest common subsequence of what is left, for each pair of beginnings.
    std::vector<std::vector<std::uint16_t>> length(i_end - i + 1, std::vector<std::uint16_t>(j_end - j + 1, 0));
    for (std::size_t a = i_end - i; a-- > 0;)
      for (std::size_t b = j_end - j; b-- > 0;)
        length[a][b] = fit(i + a, j + b) ? static_cast<std::uint16_t>(length[a + 1][b + 1] + 1)
                                         : std::max(length[a + 1][b], length[a][b + 1]);
    std::size_t a = 0, b = 0, a_told = 0, b_told = 0;
    while (i + a < i_end && j + b < j_end) {
      if (fit(i + a, j + b)) {
        tell_differences(i + a_told, i + a, j + b_told, j + b);
        tell_match(i + a++, j + b++);
        a_told = a;
        b_told = b;
      } else if (length[a + 1][b] >= length[a][b + 1]) {
        ++a;
      } else {
        ++b;
      }
    }
    tell_differences(i + a_told, i_end, j + b_told, j_end);
  }

  Predicted predicted_;
  Logged logged_;
  std::vector<ComparedEvent> lines_;
};

}  // namespace

std::string_view to_string(Match match) {
  switch (match) {
    case Match::kEqual:
      return "equal";
    case Match::kMayVary:
      return "mayVary";
    case Match::kNotCalibrated:
      return "notCalibrated";
    case Match::kDifferent:
      return "different";
    case Match::kMissing:
      return "missing";
    case Match::kUnexpected:
      return "unexpected";
  }
  return "";
}

std::vector<ComparedEvent> compare_boot(const Prediction& prediction, const bootchain::UnverifiedEventLog& log) {
  return Comparer(prediction, log).run();
}

bool is_as_predicted(const std::vector<ComparedEvent>& comparison) {
  return std::all_of(comparison.begin(), comparison.end(), [](const ComparedEvent& line) {
    return line.match == Match::kEqual || line.match == Match::kMayVary;
  });
}

}  // namespace slipway::image
