#include "host/libvirt/domain_xml.h"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <sstream>

#include "crypto/digest.h"

namespace slipway::host {
namespace {

constexpr const char* kMetadataNamespace = "urn:slipway:node";
constexpr const char* kQemuNamespace = "http://libvirt.org/schemas/domain/qemu/1.0";

pugi::xml_node add(pugi::xml_node parent, const char* name) { return parent.append_child(name); }

void add_text(pugi::xml_node parent, const char* name, const std::string& text) {
  add(parent, name).text().set(text.c_str());
}

pugi::xml_node with(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
  return node;
}

void add_identity(pugi::xml_node domain, const DomainPlan& plan) {
  add_text(domain, "name", plan.name);
  add_text(domain, "uuid", plan.uuid);
  pugi::xml_node mark = add(add(domain, "metadata"), "slipway:node");
  with(mark, "xmlns:slipway", kMetadataNamespace);
  with(mark, "installation", plan.installation);
}

void add_shape(pugi::xml_node domain, const DomainPlan& plan) {
  pugi::xml_node memory = with(add(domain, "memory"), "unit", "MiB");
  memory.text().set(plan.shape.memory_mib);
  pugi::xml_node vcpus = add(domain, "vcpu");
  vcpus.text().set(plan.shape.vcpus);
  pugi::xml_node processor = with(add(domain, "cpu"), "mode", "maximum");
  // Five-level page tables cost a software-emulated guest a walk at every TLB miss and bring it nothing.
  if (plan.accelerator == "tcg") with(with(add(processor, "feature"), "policy", "disable"), "name", "la57");
}

void add_firmware(pugi::xml_node domain, const DomainPlan& plan) {
  pugi::xml_node system = add(domain, "os");
  pugi::xml_node type = with(with(add(system, "type"), "arch", "x86_64"), "machine", plan.machine_type);
  type.text().set("hvm");
  pugi::xml_node loader = with(with(with(add(system, "loader"), "readonly", "yes"), "secure", "yes"), "type", "pflash");
  loader.text().set(plan.firmware.c_str());
  add_text(system, "nvram", plan.variable_store.native());
  pugi::xml_node features = add(domain, "features");
  add(features, "acpi");
  add(features, "apic");
  with(add(features, "smm"), "state", "on");
}

void add_life(pugi::xml_node domain) {
  with(add(domain, "clock"), "offset", "utc");
  add_text(domain, "on_poweroff", "destroy");
  add_text(domain, "on_reboot", "restart");
  add_text(domain, "on_crash", "destroy");
}

// libvirt must not give the base to QEMU's user: it is shared, and linked from where the administrator keeps it.
void add_source(pugi::xml_node parent, const std::filesystem::path& file) {
  pugi::xml_node label = add(with(add(parent, "source"), "file", file.native()), "seclabel");
  with(with(label, "model", "dac"), "relabel", "no");
}

void add_disk(pugi::xml_node devices, const DomainDisk& disk) {
  pugi::xml_node node = with(with(add(devices, "disk"), "type", "file"), "device", "disk");
  with(with(with(add(node, "driver"), "name", "qemu"), "type", "qcow2"), "discard", "unmap");
  add_source(node, disk.overlay);
  pugi::xml_node backing = with(add(node, "backingStore"), "type", "file");
  with(add(backing, "format"), "type", "qcow2");
  add_source(backing, disk.base);
  add(backing, "backingStore");
  with(with(add(node, "target"), "dev", "vda"), "bus", "virtio");
  with(add(node, "boot"), "order", "1");
}

// Without an option ROM and a boot order, firmware has no way to boot from the network.
void add_interface(pugi::xml_node devices, const DomainPlan& plan) {
  pugi::xml_node node = with(add(devices, "interface"), "type", "network");
  with(add(node, "mac"), "address", plan.address.empty() ? mac_address(plan.uuid) : mac_address_for(plan.address));
  with(add(node, "source"), "network", plan.network);
  with(add(node, "model"), "type", "virtio");
  with(add(node, "rom"), "enabled", "no");
  if (plan.traffic_filter.empty() || plan.address.empty()) return;
  pugi::xml_node parameter = add(with(add(node, "filterref"), "filter", plan.traffic_filter), "parameter");
  with(with(parameter, "name", "IP"), "value", plan.address);
}

void add_devices(pugi::xml_node domain, const DomainPlan& plan) {
  pugi::xml_node devices = add(domain, "devices");
  add_text(devices, "emulator", "/usr/bin/qemu-system-x86_64");
  if (plan.disk) add_disk(devices, *plan.disk);
  if (!plan.network.empty()) add_interface(devices, plan);
  with(with(add(devices, "controller"), "type", "usb"), "model", "none");
  pugi::xml_node serial = with(add(devices, "serial"), "type", "file");
  with(with(add(serial, "source"), "path", plan.console.native()), "append", "off");
  if (plan.vtpm) {
    pugi::xml_node tpm = with(add(devices, "tpm"), "model", "tpm-crb");
    with(with(add(tpm, "backend"), "type", "emulator"), "version", "2.0");
  }
  pugi::xml_node entropy = with(add(devices, "rng"), "model", "virtio");
  with(add(entropy, "backend"), "model", "random").text().set("/dev/urandom");
  with(add(devices, "memballoon"), "model", "none");
}

// QEMU splits its options at commas; a doubled one is a comma.
std::string option_value(const std::filesystem::path& path) {
  std::string value;
  for (const char letter : path.native()) value.append(letter == ',' ? 2 : 1, letter);
  return value;
}

void add_bootstrap(pugi::xml_node domain, const DomainPlan& plan) {
  pugi::xml_node information = with(add(domain, "sysinfo"), "type", "fwcfg");
  with(with(add(information, "entry"), "name", "opt/org.slipway/bootstrap"), "file", plan.bootstrap.native());
  pugi::xml_node arguments = add(domain, "qemu:commandline");
  with(add(arguments, "qemu:arg"), "value", "-smbios");
  with(add(arguments, "qemu:arg"), "value", "type=11,path=" + option_value(plan.bootstrap));
}

}  // namespace

std::string domain_xml(const DomainPlan& plan) {
  pugi::xml_document document;
  pugi::xml_node domain = with(document.append_child("domain"), "type", plan.accelerator == "kvm" ? "kvm" : "qemu");
  with(domain, "xmlns:qemu", kQemuNamespace);
  add_identity(domain, plan);
  add_shape(domain, plan);
  add_firmware(domain, plan);
  add_life(domain);
  add_devices(domain, plan);
  if (!plan.bootstrap.empty()) add_bootstrap(domain, plan);
  std::ostringstream text;
  document.save(text, "  ", pugi::format_default | pugi::format_no_declaration);
  return text.str();
}

std::string mac_address(std::string_view uuid) {
  const Bytes digest = crypto::sha256(as_bytes(uuid));
  return fmt::format("52:54:{:02x}:{:02x}:{:02x}:{:02x}", digest[0], digest[1], digest[2], digest[3]);
}

std::string installation_of(const std::string& xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return {};
  const pugi::xml_node mark = document.child("domain").child("metadata").child("slipway:node");
  return mark.attribute("installation").as_string();
}

}  // namespace slipway::host
