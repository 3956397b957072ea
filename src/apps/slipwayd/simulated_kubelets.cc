#include "apps/slipwayd/simulated_kubelets.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <vector>

#include "control/log_text.h"

namespace slipway::slipwayd {
namespace {

constexpr milliseconds kRetry{500};
constexpr milliseconds kHeartbeat{10000};
constexpr milliseconds kTend{1000};

}  // namespace

SimulatedKubelets::SimulatedKubelets(std::unique_ptr<kube::NodeRegistrar> registrar)
    : registrar_(std::move(registrar)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void SimulatedKubelets::admitted(const std::string& instance, const enrolment::Admission& admission,
                                 const enrolment::NodeKeys& keys) {
  if (admission.client_certificate.empty()) return;
  Kubelet kubelet;
  kubelet.registration.node = admission.node_name;
  kubelet.registration.api_server = admission.api_server;
  kubelet.registration.cluster_ca = admission.cluster_ca;
  kubelet.registration.client_certificate_pem = admission.client_certificate;
  kubelet.registration.client_key_pem = keys.client.pem();
  kubelet.registration.labels = {admission.node_labels.begin(), admission.node_labels.end()};
  kubelet.registration.internal_ip = "127.0.0.1";
  const std::lock_guard lock(mutex_);
  kubelets_.insert_or_assign(instance, std::move(kubelet));
  news_ = true;
  woken_.notify_all();
}

void SimulatedKubelets::run(const std::stop_token& stop) {
  auto next_heartbeat = std::chrono::steady_clock::now() + kHeartbeat;
  auto next_tend = std::chrono::steady_clock::now() + kTend;
  while (!stop.stop_requested()) {
    const bool heartbeat = std::chrono::steady_clock::now() >= next_heartbeat;
    if (heartbeat) next_heartbeat = std::chrono::steady_clock::now() + kHeartbeat;
    if (std::chrono::steady_clock::now() >= next_tend) {
      tend_pods();
      next_tend = std::chrono::steady_clock::now() + kTend;
    }
    std::vector<std::string> instances;
    {
      std::unique_lock lock(mutex_);
      news_ = false;
      for (const auto& [instance, kubelet] : kubelets_) {
        if (heartbeat || !kubelet.registered) instances.push_back(instance);
      }
    }
    for (const std::string& instance : instances) step(instance, heartbeat);
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, kRetry, [&] { return news_; });
  }
}

void SimulatedKubelets::tend_pods() {
  std::vector<kube::NodeRegistration> nodes;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [instance, kubelet] : kubelets_) {
      if (kubelet.registered) nodes.push_back(kubelet.registration);
    }
  }
  for (const kube::NodeRegistration& node : nodes) {
    // Its heartbeat finds out where the node is gone; pods are tended again in a moment.
    if (const Status status = registrar_->tend_pods(node); !status) {
      spdlog::debug("simulated kubelet cannot tend pods node={} why={}", node.node,
                    control::log_quoted(status.error().message));
    }
  }
}

void SimulatedKubelets::step(const std::string& instance, bool heartbeat) {
  Kubelet kubelet;
  {
    const std::lock_guard lock(mutex_);
    const auto found = kubelets_.find(instance);
    if (found == kubelets_.end()) return;
    kubelet = found->second;
  }
  const bool was_registered = kubelet.registered;
  const Status status = was_registered && heartbeat ? registrar_->heartbeat(kubelet.registration)
                                                    : registrar_->register_node(kubelet.registration);
  const std::lock_guard lock(mutex_);
  const auto found = kubelets_.find(instance);
  // Renewed meanwhile: the next step is about the new certificate.
  if (found == kubelets_.end() ||
      found->second.registration.client_certificate_pem != kubelet.registration.client_certificate_pem) {
    return;
  }
  if (status) {
    found->second.registered = true;
  } else if (was_registered && status.error().code == ErrorCode::kNotFound) {
    kubelets_.erase(found);
  } else if (!was_registered) {
    spdlog::warn("simulated kubelet cannot register node={} why={}", kubelet.registration.node,
                 control::log_quoted(status.error().message));
  }
}

}  // namespace slipway::slipwayd
