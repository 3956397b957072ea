#include "api/odata.h"

#include <gtest/gtest.h>

namespace slipway::api {
namespace {

std::string read(std::string_view filter) {
  const auto terms = parse_filter(filter);
  if (!terms) return "refused";
  std::string text;
  for (const FilterTerm& term : *terms) text += term.name + "|" + term.comparison + "|" + term.value + ";";
  return text;
}

TEST(Filter, FormsThatClientsSend) {
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read("roleName eq 'Reader'"), "roleName|eq|Reader;");
  EXPECT_EQ(read("eventTimestamp ge '2026-11-23T12:00:00Z' and eventTimestamp le '2026-11-24' and caller eq 'a'"),
            "eventTimestamp|ge|2026-11-23T12:00:00Z;eventTimestamp|le|2026-11-24;caller|eq|a;");
  EXPECT_EQ(read("atScope()"), "atScope|call|;");
  EXPECT_EQ(read("assignedTo('x')"), "assignedTo|call|x;");
  EXPECT_EQ(read("startswith(displayName,'my app')"), "displayName|startswith|my app;");
  EXPECT_EQ(read("servicePrincipalNames/any(c:c eq 'x')"), "servicePrincipalNames|any|x;");
  EXPECT_EQ(read("name eq 'it''s'"), "name|eq|it's;");
}

TEST(Filter, AnythingElseIsRefusedAtItsByte) {
  for (const char* bad : {"name", "name eq", "name eq 'x", "name eq x", "name ne 'x'", "name eq 'x' or name eq 'y'",
                          "name eq 'x' and", "(name eq 'x')", "startswith(name)", "x/any(a:b eq 'c')", "f('a'", "''"}) {
    EXPECT_FALSE(parse_filter(bad)) << bad;
  }
  EXPECT_NE(parse_filter("name eq 'x' or a eq 'b'").error().message.find("byte 12"), std::string::npos);
  EXPECT_EQ(parse_filter("name eq").error().target, "$filter");
  EXPECT_FALSE(parse_filter(std::string(kMaximumFilter + 1, ' ')));
}

}  // namespace
}  // namespace slipway::api
