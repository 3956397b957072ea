// slipway-supervisor COUNT: keeps the programs of one cluster's control plane running. Started by slipwayd in the
// cluster's run folder, with the executables open as descriptors 10 to 10 + COUNT - 1; see kube/hosted/supervisor.h.

#include <charconv>
#include <cstdio>
#include <cstring>
#include <vector>

#include "kube/hosted/supervisor.h"

int main(int argc, char** argv) {
  using namespace slipway;
  int count = 0;
  const char* text = argc == 2 ? argv[1] : "";
  const auto parsed = std::from_chars(text, text + std::strlen(text), count);
  if (argc != 2 || parsed.ec != std::errc() || *parsed.ptr != '\0' || count < 0 || count > 32) {
    std::fputs("slipway-supervisor is started by slipwayd, not by hand; see ARCHITECTURE.md\n", stderr);
    return 2;
  }
  std::vector<int> programs;
  for (int i = 0; i < count; ++i) programs.push_back(kube::kFirstInherited + i);
  Result<kube::PrivateFolder> folder = kube::PrivateFolder::open(".", kube::own_account());
  const Status done =
      folder ? kube::run_supervisor(*folder, programs, kube::SupervisorTimes{}) : Status(fail(folder.error()));
  if (done) return 0;
  std::fprintf(stderr, "slipway-supervisor: %s\n", done.error().message.c_str());
  return 1;
}
