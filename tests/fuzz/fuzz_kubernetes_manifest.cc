#include <cstdint>

#include "apps/slipway/kubernetes_manifest.h"
#include "apps/slipway/node_fit.h"
#include "base/bytes.h"

// A manifest for `slipway kubectl-check`, and what is said of its pods.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = slipway::as_text({data, size});
  if (const auto nodes = slipway::cli::nodes_from_json(text)) static_cast<void>(nodes->size());
  const auto manifest = slipway::cli::read_kubernetes_manifest(text);
  if (!manifest) return 0;
  const slipway::cli::NodeFacts nodes[] = {
      {"a", {{"kubernetes.azure.com/trusted-launch", "true"}}, {{"t", "", "NoSchedule"}}, false},
      {"b", {{"n", "5"}}, {}, true}};
  const auto misfits = slipway::cli::pods_without_node(manifest->pods, nodes);
  if (misfits.size() > manifest->pods.size()) __builtin_trap();
  static_cast<void>(slipway::cli::pods_without_any_node(manifest->pods));
  return 0;
}
