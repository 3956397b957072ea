#include "fleet/reconcile.h"

#include <gtest/gtest.h>

#include "attestation/verdict.h"

namespace slipway::fleet {
namespace {

using std::chrono::minutes;

const Time kStart = from_rfc3339("2026-11-23T14:00:00Z").value();

std::string verdict(attestation::VerdictClass verdict_class, bool secure_boot = true) {
  attestation::Verdict value;
  value.verdict_class = verdict_class;
  value.appraised = kStart;
  value.secure_boot = secure_boot;
  if (verdict_class != attestation::VerdictClass::kTrusted) {
    attestation::Finding finding;
    finding.rule = "pcr9.initrd";
    finding.message = "The initrd is not the image's.";
    value.findings.push_back(finding);
  }
  return attestation::to_json(value);
}

// A cluster with one pool of one proved node, everything answering.
struct World {
  Snapshot snapshot;
  Observed observed;
  Limits limits;
  Time now = kStart;

  explicit World(bool vtpm = true, bool secure_boot = true) {
    snapshot.cluster.id = "c3f9a2b1";
    snapshot.cluster.name = "myAKSCluster";
    snapshot.cluster.resource_group = "myResourceGroup";
    snapshot.cluster.location = "local";
    Pool pool;
    pool.cluster = "c3f9a2b1";
    pool.name = "nodepool1";
    pool.count = 1;
    pool.mode = "System";
    pool.vtpm = vtpm;
    pool.secure_boot = secure_boot;
    pool.node_image_version = "SlipwayDebian-12-gen2TLcontainerd-202611.23.0";
    snapshot.pools = {pool};
    Node node;
    node.instance = "i0";
    node.cluster = "c3f9a2b1";
    node.pool = "nodepool1";
    node.name = node_name(snapshot.cluster, pool, 0);
    node.vtpm = vtpm;
    node.secure_boot = secure_boot;
    node.image_version = pool.node_image_version;
    node.created = kStart - minutes(5);
    node.booted = kStart - minutes(4);
    if (vtpm) {
      node.endorsement_key = {1};
      node.verdict = verdict(attestation::VerdictClass::kTrusted, secure_boot);
      node.last_good_verdict = node.last_evidence = kStart - minutes(1);
    }
    node.certificate_expires = kStart + minutes(59);
    node.phase = NodePhase::kReady;
    node.explanation = phase_of(node, ObservedNode{}, kStart, limits, kStart).explanation;
    snapshot.nodes = {node};
    observed.network = observed.control_plane = true;
    observed.listening_since = kStart - minutes(30);
    ObservedNode& seen = observed.nodes["i0"];
    seen.machine = ObservedMachine{ObservedMachine::Power::kRunning, "", ""};
    seen.host_sees_secure_boot = secure_boot;
    seen.kubernetes_answers = true;
    seen.kubernetes = ObservedKubernetesNode{true, false, {}, "10.77.0.2"};
    // As Kubernetes has it after the first pass.
    for (const auto& [name, value] : wanted_labels(snapshot.cluster, pool, node, NodePhase::kReady, seen)) {
      if (value) seen.kubernetes->labels[name] = *value;
    }
    snapshot.nodes[0].labels_applied = true;
  }

  Node& node() { return snapshot.nodes[0]; }
  ObservedNode& seen() { return observed.nodes["i0"]; }
  Operation& operation(std::string kind, std::string pool = {}) {
    Operation value;
    value.id = "o1";
    value.kind = std::move(kind);
    value.cluster = "c3f9a2b1";
    value.pool = std::move(pool);
    value.started = kStart - minutes(6);
    snapshot.operations = {value};
    return snapshot.operations[0];
  }
  std::vector<Action> run() const { return reconcile(snapshot, observed, limits, now); }
};

template <typename Kind>
std::vector<Kind> all(const std::vector<Action>& actions) {
  std::vector<Kind> found;
  for (const Action& action : actions) {
    if (const Kind* kind = std::get_if<Kind>(&action)) found.push_back(*kind);
  }
  return found;
}

TEST(Reconcile, LeavesAGoodClusterAlone) {
  for (const bool vtpm : {false, true}) {
    for (const bool secure_boot : {false, true})
      EXPECT_TRUE(World(vtpm, secure_boot).run().empty()) << vtpm << secure_boot;
  }
}

TEST(Reconcile, MakesNothingBeforeTheControlPlaneRuns) {
  World world;
  world.snapshot.nodes.clear();
  world.observed.control_plane = false;
  const auto actions = world.run();
  EXPECT_EQ(all<EnsureControlPlane>(actions).size(), 1U);
  EXPECT_TRUE(all<CreateNode>(actions).empty());
  world.observed.control_plane = true;
  EXPECT_EQ(all<CreateNode>(world.run()).size(), 1U);
}

TEST(Reconcile, RecordsTheEndorsementKeyBeforeTheMachineStarts) {
  World world;
  world.node().phase = NodePhase::kProvisioning;
  world.node().booted.reset();
  world.node().certificate_expires.reset();
  world.node().verdict.clear();
  world.node().endorsement_key.clear();
  world.seen().machine = ObservedMachine{};
  EXPECT_EQ(all<RecordEndorsementKey>(world.run()).size(), 1U);
  EXPECT_TRUE(all<StartMachine>(world.run()).empty());
  world.node().endorsement_key = {1};
  EXPECT_TRUE(all<RecordEndorsementKey>(world.run()).empty());
  EXPECT_EQ(all<StartMachine>(world.run()).size(), 1U);
}

// Its secret is nowhere but in the VM that never ran: it starts over with another.
TEST(Reconcile, DiscardsAMachineWhoseSecretWasLost) {
  World world(false);
  world.node().phase = NodePhase::kProvisioning;
  world.node().booted.reset();
  world.node().certificate_expires.reset();
  world.seen().machine = ObservedMachine{ObservedMachine::Power::kOff, "", ""};
  EXPECT_EQ(all<DiscardMachine>(world.run()).size(), 1U);
  EXPECT_TRUE(all<StartMachine>(world.run()).empty());
}

struct LabelCase {
  bool vtpm, secure_boot;
  std::vector<std::string> trust_labels;
};

TEST(Labels, FollowWhatIsProved) {
  const LabelCase cases[] = {{false, false, {}},
                             {true, false, {"trusted-launch"}},
                             {false, true, {"secure-boot"}},
                             {true, true, {"trusted-launch", "secure-boot", "security-type"}}};
  for (const LabelCase& one : cases) {
    World world(one.vtpm, one.secure_boot);
    const auto labels =
        wanted_labels(world.snapshot.cluster, world.snapshot.pools[0], world.node(), NodePhase::kReady, world.seen());
    for (const std::string name : {"trusted-launch", "secure-boot", "security-type"}) {
      const bool wanted = std::count(one.trust_labels.begin(), one.trust_labels.end(), name) > 0;
      EXPECT_EQ(labels.at("kubernetes.azure.com/" + name).has_value(), wanted) << name << one.vtpm << one.secure_boot;
    }
    EXPECT_EQ(labels.at("agentpool"), "nodepool1");
    EXPECT_EQ(labels.at("kubernetes.azure.com/mode"), "system");
    EXPECT_EQ(labels.at("kubernetes.azure.com/cluster"), "MC_myResourceGroup_myAKSCluster_local");
  }
}

TEST(Labels, GoAtABadVerdict) {
  World world;
  world.node().verdict = verdict(attestation::VerdictClass::kUntrusted);
  const auto actions = world.run();
  ASSERT_EQ(all<SetPhase>(actions).size(), 1U);
  EXPECT_EQ(all<SetPhase>(actions)[0].phase, NodePhase::kUntrusted);
  EXPECT_NE(all<SetPhase>(actions)[0].explanation.find("initrd"), std::string::npos);
  ASSERT_EQ(all<SetLabels>(actions).size(), 1U);
  const auto labels = all<SetLabels>(actions)[0].labels;
  EXPECT_EQ(labels.size(), 3U);
  for (const auto& [name, value] : labels) EXPECT_FALSE(value.has_value()) << name;
}

TEST(Explanation, OfAnUntrustedNodeHasItsErrorsInSentencesAndNoWarnings) {
  World world;
  attestation::Verdict judged;
  judged.verdict_class = attestation::VerdictClass::kUntrusted;
  attestation::Finding program;
  program.rule = "ima.program";
  program.message = "/pause ran from outside of the root";
  program.severity = attestation::Severity::kWarning;
  attestation::Finding module;
  module.rule = "ima.module";
  module.message = "/run/m.ko was loaded";
  module.remedy = "Reboot the node.";
  judged.findings = {program, module};
  world.node().verdict = attestation::to_json(judged);
  const auto actions = world.run();
  ASSERT_EQ(all<SetPhase>(actions).size(), 1U);
  EXPECT_EQ(all<SetPhase>(actions)[0].explanation, "ima.module: /run/m.ko was loaded. Reboot the node.");
}

TEST(Labels, GoWhenEvidenceIsLateAndNotBefore) {
  World world;
  world.now = *world.node().last_evidence + 2 * world.limits.evidence_interval + world.limits.evidence_margin;
  EXPECT_TRUE(all<SetLabels>(world.run()).empty());
  world.now += seconds(1);
  EXPECT_EQ(all<SetLabels>(world.run()).size(), 1U);
  EXPECT_EQ(all<SetPhase>(world.run())[0].phase, NodePhase::kSilent);
  // Nobody listened meanwhile: that is no fault of the node's.
  world.observed.listening_since = world.now;
  EXPECT_TRUE(all<SetLabels>(world.run()).empty());
}

TEST(Labels, OfANodeWithoutATpmRestOnWhatTheHostSees) {
  World world(false, true);
  world.seen().host_sees_secure_boot = false;
  const auto actions = world.run();
  ASSERT_EQ(all<SetLabels>(actions).size(), 1U);
  EXPECT_EQ(all<SetLabels>(actions)[0].labels.count("kubernetes.azure.com/secure-boot"), 1U);
}

// Whoever put it there: a trust label that is not Slipway's is taken off at the next look.
TEST(Labels, ForeignTrustLabelIsTakenOff) {
  World world(false, false);
  world.seen().kubernetes->labels["kubernetes.azure.com/trusted-launch"] = "true";
  const auto actions = world.run();
  ASSERT_EQ(all<SetLabels>(actions).size(), 1U);
  EXPECT_FALSE(all<SetLabels>(actions)[0].labels.at("kubernetes.azure.com/trusted-launch").has_value());
}

// What a document said before it became unreadable counts for nothing.
TEST(Labels, GoWhereADocumentCannotBeRead) {
  World world;
  world.snapshot.nodes[0] =
      salvaged_node("i0", to_json(world.snapshot.nodes[0]), Error{ErrorCode::kMalformed, "why", {}, {}});
  const auto actions = world.run();
  ASSERT_EQ(all<SetLabels>(actions).size(), 1U);
  const auto labels = all<SetLabels>(actions)[0].labels;
  for (const char* name : {"trusted-launch", "secure-boot", "security-type"})
    EXPECT_FALSE(labels.at(std::string("kubernetes.azure.com/") + name).has_value()) << name;
  // Neither made again beside itself nor written over.
  EXPECT_TRUE(all<CreateNode>(actions).empty());
  EXPECT_TRUE(all<SetPhase>(actions).empty());
  EXPECT_TRUE(all<RecordLabels>(actions).empty());
  // It goes as any other goes.
  world.snapshot.pools.clear();
  EXPECT_EQ(all<RemoveNode>(world.run()).size(), 1U);
}

TEST(Labels, OfANodeWithoutADocumentAreTakenOff) {
  World world;
  world.observed.strangers["lost"] = {{"kubernetes.azure.com/trusted-launch", "true"}, {"agentpool", "nodepool1"}};
  world.observed.strangers["other"] = {{"agentpool", "nodepool1"}};
  const auto labels = all<SetLabels>(world.run());
  ASSERT_EQ(labels.size(), 1U);
  EXPECT_EQ(labels[0].node, "lost");
  EXPECT_EQ(labels[0].labels.size(), 1U);
  EXPECT_FALSE(labels[0].labels.at("kubernetes.azure.com/trusted-launch").has_value());
}

// A node that never proved its boot is called refused together with what its disk shows.
TEST(Disk, IsReadBeforeANewNodeIsCalledRefused) {
  World world;
  Node& node = world.snapshot.nodes[0];
  node.certificate_expires.reset();
  node.verdict.clear();
  node.last_good_verdict = node.last_evidence = std::nullopt;
  node.phase = NodePhase::kBooting;
  world.operation("PutPool", "nodepool1");
  world.seen().machine->boot_refusal = "Access Denied";
  world.seen().kubernetes.reset();
  auto actions = world.run();
  ASSERT_EQ(all<InspectDisk>(actions).size(), 1U);
  EXPECT_TRUE(all<SetPhase>(actions).empty());
  EXPECT_TRUE(all<Finish>(actions).empty());

  node.disk_inspected = world.now;
  node.disk_report = "/EFI/BOOT/BOOTX64.EFI has another SHA-256";
  actions = world.run();
  EXPECT_TRUE(all<InspectDisk>(actions).empty());
  ASSERT_EQ(all<SetPhase>(actions).size(), 1U);
  EXPECT_EQ(all<SetPhase>(actions)[0].phase, NodePhase::kBootRefused);
  EXPECT_NE(all<SetPhase>(actions)[0].explanation.find("On its disk: /EFI/BOOT/BOOTX64.EFI"), std::string::npos);
}

TEST(Disk, ThatCannotBeReadDoesNotHideTheRefusal) {
  World world;
  Node& node = world.snapshot.nodes[0];
  node.certificate_expires.reset();
  node.verdict.clear();
  world.seen().machine->boot_refusal = "Access Denied";
  world.observed.failures[key_of(Action{InspectDisk{"i0"}})] = {world.limits.attempts, {}};
  const auto actions = world.run();
  EXPECT_TRUE(all<InspectDisk>(actions).empty());
  ASSERT_EQ(all<SetPhase>(actions).size(), 1U);
  EXPECT_EQ(all<SetPhase>(actions)[0].phase, NodePhase::kBootRefused);
}

// An admitted node that falls silent loses its labels now, and its disk is read beside that.
TEST(Disk, OfAnAdmittedNodeIsReadWithoutDelayingItsPhase) {
  World world;
  world.now += std::chrono::hours(2);
  auto actions = world.run();
  EXPECT_EQ(all<InspectDisk>(actions).size(), 1U);
  ASSERT_EQ(all<SetPhase>(actions).size(), 1U);
  EXPECT_EQ(all<SetPhase>(actions)[0].phase, NodePhase::kSilent);
  EXPECT_FALSE(all<SetLabels>(actions).empty());

  world.snapshot.nodes[0].phase = NodePhase::kSilent;
  world.snapshot.nodes[0].explanation = all<SetPhase>(actions)[0].explanation;
  world.snapshot.nodes[0].disk_inspected = world.now;
  actions = world.run();
  ASSERT_EQ(all<SetPhase>(actions).size(), 1U);
  EXPECT_NE(all<SetPhase>(actions)[0].explanation.find("nothing differs from its image"), std::string::npos);
}

// The first look after a long time without slipwayd: nobody listens yet, so nobody is late.
TEST(Phase, NobodyIsLateBeforeAnybodyListens) {
  World world;
  world.operation("PutPool", "nodepool1");
  world.observed.network = false;
  world.observed.listening_since = Time{};
  world.now += std::chrono::hours(5);
  const auto actions = world.run();
  EXPECT_TRUE(all<SetPhase>(actions).empty());
  EXPECT_TRUE(all<SetLabels>(actions).empty());
  EXPECT_TRUE(all<Finish>(actions).empty());
}

TEST(Phase, KeepsReadyWhileKubernetesDoesNotAnswer) {
  World world;
  world.seen().kubernetes_answers = false;
  world.seen().kubernetes.reset();
  EXPECT_TRUE(world.run().empty());
}

TEST(Operations, FailWithTheCause) {
  struct Case {
    const char* code;
    void (*spoil)(World&);
  };
  const Case cases[] = {
      {"NodeBootRefused",
       [](World& world) {
         world.node().certificate_expires.reset();
         world.node().verdict.clear();
         world.seen().machine->boot_refusal = "BdsDxe: failed to load Boot0002: Access Denied";
       }},
      {"NodeUntrusted", [](World& world) { world.node().verdict = verdict(attestation::VerdictClass::kUntrusted); }},
      {"NodeSilent",
       [](World& world) {
         world.node().certificate_expires.reset();
         world.node().verdict.clear();
         world.now = *world.node().booted + world.limits.boot + seconds(1);
       }},
      {"NodeSilent",
       [](World& world) {
         world.node().certificate_expires.reset();
         world.node().verdict.clear();
         world.seen().machine->power = ObservedMachine::Power::kOff;
       }},
      {"NodeNotReady",
       [](World& world) {
         world.seen().kubernetes->ready = false;
         world.now = kStart + world.limits.boot + world.limits.ready + seconds(1);
         world.node().last_evidence = world.node().last_good_verdict = world.now;
       }},
      {"QuotaExceeded", [](World& world) {
         world.node().phase = NodePhase::kProvisioning;
         world.node().booted.reset();
         world.observed.failures["StartMachine/i0"] = {5, {ErrorCode::kInternal, "No memory.", "QuotaExceeded", ""}};
       }}};
  for (const Case& one : cases) {
    World world;
    world.operation("CreateCluster");
    one.spoil(world);
    // Its disk was read already: what it showed is told with the cause.
    world.node().disk_inspected = world.now;
    const auto finished = all<Finish>(world.run());
    ASSERT_EQ(finished.size(), 1U) << one.code;
    EXPECT_EQ(finished[0].status, "Failed");
    EXPECT_EQ(finished[0].error_code, one.code);
    EXPECT_FALSE(finished[0].error_message.empty());
  }
}

TEST(Operations, SucceedOnlyWithReadyAndLabelledNodes) {
  World world;
  world.operation("PutPool", "nodepool1");
  ASSERT_EQ(all<Finish>(world.run()).size(), 1U);
  EXPECT_EQ(all<Finish>(world.run())[0].status, "Succeeded");

  World unlabelled;
  unlabelled.operation("PutPool", "nodepool1");
  unlabelled.seen().kubernetes->labels.erase("kubernetes.azure.com/trusted-launch");
  EXPECT_TRUE(all<Finish>(unlabelled.run()).empty());

  World fewer;
  fewer.operation("PutPool", "nodepool1");
  fewer.snapshot.pools[0].count = 2;
  EXPECT_TRUE(all<Finish>(fewer.run()).empty());
  EXPECT_EQ(all<SetProgress>(fewer.run())[0].progress, "1 of 2 nodes ready, 1 being made");
}

// A second try replaces what went bad before it, and only that.
TEST(Operations, ANewTryReplacesBadNodesOfTheOldOne) {
  World world;
  world.node().verdict = verdict(attestation::VerdictClass::kUntrusted);
  world.operation("PutPool", "nodepool1").started = kStart;
  const auto actions = world.run();
  EXPECT_TRUE(all<Finish>(actions).empty());
  EXPECT_EQ(all<RemoveNode>(actions).size(), 1U);
  // Two VMs never stand for one slot.
  EXPECT_TRUE(all<CreateNode>(actions).empty());
  world.snapshot.nodes.clear();
  EXPECT_EQ(all<CreateNode>(world.run()).size(), 1U);
}

TEST(Deletion, TakesNodesBeforeTheControlPlaneAndEndsWhatRan) {
  World world;
  world.operation("CreateCluster");
  world.snapshot.cluster.deletion_requested = true;
  auto actions = world.run();
  ASSERT_EQ(all<Finish>(actions).size(), 1U);
  EXPECT_EQ(all<Finish>(actions)[0].status, "Canceled");
  EXPECT_EQ(all<RemoveNode>(actions).size(), 1U);
  EXPECT_TRUE(all<RemoveInfrastructure>(actions).empty());
  world.snapshot.nodes.clear();
  world.operation("DeleteCluster");
  actions = world.run();
  ASSERT_EQ(actions.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<RemoveInfrastructure>(actions[0]));
  EXPECT_EQ(std::get<Finish>(actions[1]).status, "Succeeded");
}

TEST(Names, AreThoseOfAScaleSet) {
  World world;
  EXPECT_EQ(node_name(world.snapshot.cluster, world.snapshot.pools[0], 0), "aks-nodepool1-3f9a2b1-vmss000000");
  EXPECT_EQ(node_name(world.snapshot.cluster, world.snapshot.pools[0], 37), "aks-nodepool1-3f9a2b1-vmss000011");
  EXPECT_EQ(label_value("MC_a b(c)_"), "MC_a-b-c");
  EXPECT_EQ(label_value(std::string(80, 'x')).size(), 63U);
}

}  // namespace
}  // namespace slipway::fleet
