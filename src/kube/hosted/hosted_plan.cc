#include "kube/hosted/hosted_plan.h"

#include <boost/json.hpp>

#include "crypto/digest.h"

namespace slipway::kube {
namespace {

namespace json = boost::json;

json::object to_object(const HostedProgram& program) {
  json::array arguments;
  for (const std::string& argument : program.arguments) arguments.push_back(json::string(argument));
  return {{"name", program.name},
          {"program", program.program},
          {"arguments", std::move(arguments)},
          {"revision", program.revision},
          {"after", program.after}};
}

Result<std::string> text_at(const json::value& parent, std::string_view key) {
  const json::object* object = parent.if_object();
  const json::value* value = object == nullptr ? nullptr : object->if_contains(key);
  if (value == nullptr || !value->is_string())
    return fail(ErrorCode::kMalformed, "there is no text at \"" + std::string(key) + "\"");
  return std::string(value->get_string());
}

Result<json::array> list_at(std::string_view text, std::string_view key) {
  json::error_code error;
  json::value document = json::parse(json::string_view(text.data(), text.size()), error);
  json::object* object = error ? nullptr : document.if_object();
  json::value* value = object == nullptr ? nullptr : object->if_contains(key);
  if (value == nullptr || !value->is_array())
    return fail(ErrorCode::kMalformed, "there is no list \"" + std::string(key) + "\"");
  return std::move(value->get_array());
}

}  // namespace

std::string to_json(const HostedPlan& plan) {
  json::array programs;
  for (const HostedProgram& program : plan.programs) programs.push_back(to_object(program));
  return json::serialize(json::object{{"programs", std::move(programs)}});
}

Result<HostedPlan> plan_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::array programs, list_at(text, "programs"));
  HostedPlan plan;
  for (const json::value& value : programs) {
    HostedProgram program;
    SLIPWAY_ASSIGN(program.name, text_at(value, "name"));
    SLIPWAY_ASSIGN(program.program, text_at(value, "program"));
    SLIPWAY_ASSIGN(program.revision, text_at(value, "revision"));
    SLIPWAY_ASSIGN(program.after, text_at(value, "after"));
    const json::value* arguments = value.get_object().if_contains("arguments");
    if (arguments == nullptr || !arguments->is_array())
      return fail(ErrorCode::kMalformed, "a program has no arguments");
    for (const json::value& argument : arguments->get_array()) {
      if (!argument.is_string()) return fail(ErrorCode::kMalformed, "an argument is not text");
      program.arguments.emplace_back(argument.get_string());
    }
    plan.programs.push_back(std::move(program));
  }
  return plan;
}

std::string digest_of(const HostedProgram& program) {
  return to_hex(crypto::sha256(as_bytes(json::serialize(to_object(program)))));
}

std::string to_json(const std::vector<RecordedProcess>& processes) {
  json::array list;
  for (const RecordedProcess& process : processes)
    list.push_back(json::object{{"name", process.name},
                                {"digest", process.digest},
                                {"pid", process.identity.pid},
                                {"startTicks", process.identity.start_ticks},
                                {"bootId", process.identity.boot_id}});
  return json::serialize(json::object{{"processes", std::move(list)}});
}

Result<std::vector<RecordedProcess>> processes_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const json::array list, list_at(text, "processes"));
  std::vector<RecordedProcess> processes;
  for (const json::value& value : list) {
    RecordedProcess process;
    SLIPWAY_ASSIGN(process.name, text_at(value, "name"));
    SLIPWAY_ASSIGN(process.digest, text_at(value, "digest"));
    SLIPWAY_ASSIGN(process.identity.boot_id, text_at(value, "bootId"));
    const json::value* pid = value.get_object().if_contains("pid");
    const json::value* start = value.get_object().if_contains("startTicks");
    json::error_code error;
    process.identity.pid = pid == nullptr ? 0 : pid->to_number<int>(error);
    process.identity.start_ticks = start == nullptr || error ? 0 : start->to_number<std::uint64_t>(error);
    if (error || process.identity.pid <= 0) return fail(ErrorCode::kMalformed, "a process has no pid or start time");
    processes.push_back(std::move(process));
  }
  return processes;
}

}  // namespace slipway::kube
