#pragma once

#include <algorithm>
#include <ctime>
#include <vector>

namespace slipway::bench {

// Processor time of this thread, in seconds: what others do on the machine counts less than in time by the clock.
inline double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Median of `repetitions` measurements of `inner` calls each, in seconds per call.
template <typename Call>
double median_seconds(int repetitions, int inner, Call call) {
  std::vector<double> times;
  for (int i = 0; i < repetitions; ++i) {
    const double start = thread_seconds();
    for (int k = 0; k < inner; ++k) call();
    times.push_back((thread_seconds() - start) / inner);
  }
  std::nth_element(times.begin(), times.begin() + repetitions / 2, times.end());
  return times[static_cast<std::size_t>(repetitions / 2)];
}

}  // namespace slipway::bench
