#include <fmt/format.h>

#include <algorithm>

#include "api/handlers.h"
#include "api/odata.h"

// Microsoft.Insights: the audit trail, as ARM's activity log.
namespace slipway::api {
namespace {

namespace json = boost::json;

constexpr std::chrono::hours kNinetyDays{24 * 90};

// What an event says of where it happened, from its resource id.
struct Place {
  std::string group, provider;
};

Place place_of(const ActivityEvent& event) {
  Place place;
  const std::string lower = lower_case(event.resource);
  constexpr std::string_view kGroups = "/resourcegroups/";
  if (const std::size_t start = lower.find(kGroups); start != std::string::npos) {
    const std::size_t name = start + kGroups.size();
    place.group = event.resource.substr(name, lower.find('/', name) - name);
  }
  place.provider = event.action.substr(0, event.action.find('/'));
  return place;
}

json::object localizable(std::string_view value) { return {{"value", value}, {"localizedValue", value}}; }

json::object event_resource(const Call& call, const ActivityEvent& event) {
  const Place place = place_of(event);
  const std::string sub_status = event.http_status == 0 ? "" : std::to_string(event.http_status);
  json::object properties{{"statusCode", sub_status}, {"code", event.code}, {"message", event.message}};
  return json::object{{"id", fmt::format("{}/events/{}/ticks/{}", event.resource == "/" ? "" : event.resource, event.id,
                                         event.time.time_since_epoch().count())},
                      {"eventDataId", event.id},
                      {"correlationId", event.correlation},
                      {"operationId", event.correlation},
                      {"eventTimestamp", to_rfc3339(event.time)},
                      {"submissionTimestamp", to_rfc3339(event.time)},
                      {"channels", "Operation"},
                      {"level", event.status == "Failed" ? "Error" : "Informational"},
                      {"category", localizable("Administrative")},
                      {"eventName", localizable(event.status == "Started" ? "BeginRequest" : "EndRequest")},
                      {"caller", event.caller},
                      {"claims", json::object{{"appid", event.caller}}},
                      {"authorization", json::object{{"action", event.action}, {"scope", event.resource}}},
                      {"operationName", localizable(event.action)},
                      {"resourceId", event.resource},
                      {"resourceGroupName", place.group},
                      {"resourceProviderName", localizable(place.provider)},
                      {"status", localizable(event.status)},
                      {"subStatus", localizable(sub_status)},
                      {"httpRequest", json::object{{"clientRequestId", event.client_request},
                                                   {"clientIpAddress", event.address},
                                                   {"method", event.method},
                                                   {"uri", event.uri}}},
                      {"description", event.message},
                      {"properties", std::move(properties)},
                      {"subscriptionId", call.options.subscription},
                      {"tenantId", call.options.tenant}};
}

struct Filter {
  Time from{}, to{};
  std::vector<FilterTerm> terms;
};

Result<Time> time_of(const FilterTerm& term) {
  // A day alone is its beginning.
  const auto time = from_rfc3339(term.value.size() == 10 ? term.value + "T00:00:00Z" : term.value);
  if (time) return time;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("$filter: eventTimestamp '{}' is no UTC time such as 2026-11-23T12:00:00Z.",
                          term.value.substr(0, 60)),
              "InvalidFilterInQueryString", "$filter");
}

Result<Filter> read_filter(const Call& call) {
  Filter filter{call.now - kNinetyDays, call.now + kNinetyDays, {}};
  const auto found = call.request.query.find("$filter");
  SLIPWAY_ASSIGN(const auto terms, parse_filter(found == call.request.query.end() ? "" : found->second));
  for (const FilterTerm& term : terms) {
    const std::string name = lower_case(term.name);
    const bool is_known = name == "resourcegroupname" || name == "resourceuri" || name == "resourceid" ||
                          name == "caller" || name == "status" || name == "correlationid" ||
                          name == "resourceprovider" || name == "levels";
    if (name == "eventtimestamp" && term.comparison == "ge") {
      SLIPWAY_ASSIGN(filter.from, time_of(term));
    } else if (name == "eventtimestamp" && term.comparison == "le") {
      SLIPWAY_ASSIGN(filter.to, time_of(term));
    } else if (is_known && term.comparison == "eq") {
      filter.terms.push_back({name, "eq", term.value});
    } else {
      return unknown_filter(term);
    }
  }
  return filter;
}

bool fits(const ActivityEvent& event, const FilterTerm& term) {
  const Place place = place_of(event);
  const std::string& wanted = term.value;
  if (term.name == "resourcegroupname") return equal_without_case(place.group, wanted);
  if (term.name == "resourceuri" || term.name == "resourceid") return scope_covers(wanted, event.resource);
  if (term.name == "caller") return equal_without_case(event.caller, wanted);
  if (term.name == "status") return equal_without_case(event.status, wanted);
  if (term.name == "correlationid") return equal_without_case(event.correlation, wanted);
  if (term.name == "resourceprovider") return equal_without_case(place.provider, wanted);
  return equal_without_case(event.status == "Failed" ? "Error" : "Informational", wanted);
}

}  // namespace

// The newest first. A client sees what happened where it may read; what happened outside of the subscription (logins,
// clients) is for those who may read all of it.
Result<http::Response> list_activity(Call& call) {
  SLIPWAY_ASSIGN(const Filter filter, read_filter(call));
  SLIPWAY_ASSIGN(const auto events, call.options.activity_log->list(filter.from, filter.to));
  const bool sees_all = may(call.principal, Deed::kRead, call.subscription_path());
  std::vector<std::pair<std::string, json::object>> items;
  for (const ActivityEvent& event : events) {
    const bool is_visible = sees_all || may(call.principal, Deed::kRead, event.resource);
    const bool is_wanted = is_visible && std::all_of(filter.terms.begin(), filter.terms.end(),
                                                     [&event](const FilterTerm& term) { return fits(event, term); });
    if (!is_wanted) continue;
    // Keys count down, since the newest come first; a page goes on behind the last event of the one before it, whatever
    // happened meanwhile.
    const auto age = (Time::max() - event.time).count();
    items.emplace_back(fmt::format("{:020}/{}/{}", age, event.status == "Started" ? 1 : 0, event.id),
                       event_resource(call, event));
  }
  return paged_response(call, std::move(items));
}

}  // namespace slipway::api
