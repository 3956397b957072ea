#include <cstdint>
#include <string>

#include "apps/slipway/kubeconfig.h"
#include "base/bytes.h"

// Somebody's kubeconfig, into which a cluster's is merged; and a server's, whatever it sent.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string kGood =
      R"({"apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [{"name": "c", "cluster": {}}],
          "contexts": [{"name": "c", "context": {"cluster": "c", "user": "clusterAdmin_g_c"}}], "users": [{"name": "clusterAdmin_g_c"}]})";
  const std::string_view text = slipway::as_text({data, size});
  static_cast<void>(slipway::cli::merge_kubeconfig("", text, false));
  const auto merged = slipway::cli::merge_kubeconfig(text, kGood, true);
  // What is written says what was meant, and the same can be merged into it again.
  if (!merged && merged.error().code == slipway::ErrorCode::kInternal) __builtin_trap();
  if (merged && !slipway::cli::merge_kubeconfig(merged->text, kGood, false)) __builtin_trap();
  return 0;
}
