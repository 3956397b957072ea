#include "apps/slipway/accounts.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

Accounts two_clouds() {
  Accounts accounts;
  accounts.put(Cloud{"here", "https://here", "authority of here"});
  accounts.put(Context{"here", "here", "t", "client-1", "secret-1", "sub-1", "First"});
  accounts.put(Context{"here-too", "here", "t", "client-2", "secret-2", "sub-2", "Second"});
  accounts.put(Cloud{"there", "https://there", "authority of there"});
  accounts.put(Context{"there", "there", "t", "client-3", "secret-3", "sub-1", "First"});
  return accounts;
}

TEST(Accounts, TheLatestIsTheCurrentOne) {
  const Accounts accounts = two_clouds();
  EXPECT_EQ(accounts.current_cloud, "there");
  const Login login = accounts.login().value();
  EXPECT_EQ(login.endpoint, "https://there");
  EXPECT_EQ(login.authority, "authority of there");
  EXPECT_EQ(login.secret, "secret-3");
}

TEST(Accounts, ACloudBringsItsContextAndAContextItsCloud) {
  Accounts accounts = two_clouds();
  ASSERT_TRUE(accounts.use_cloud("here"));
  EXPECT_EQ(accounts.current_context, "here");
  ASSERT_TRUE(accounts.use_context("there"));
  EXPECT_EQ(accounts.current_cloud, "there");
  accounts.put(Cloud{"empty", "https://empty", "a"});
  EXPECT_EQ(accounts.current_context, "");
  EXPECT_EQ(accounts.login().error().code, ErrorCode::kUnauthenticated);
}

TEST(Accounts, ASubscriptionIsFoundByIdAndNameInTheCurrentContextFirst) {
  Accounts accounts = two_clouds();
  EXPECT_EQ(accounts.login("sub-1").value().secret, "secret-3");
  EXPECT_EQ(accounts.login("Second").value().secret, "secret-2");
  ASSERT_TRUE(accounts.use_context("here"));
  EXPECT_EQ(accounts.login("First").value().secret, "secret-1");
  EXPECT_EQ(accounts.login("sub-9").error().code, ErrorCode::kNotFound);
}

TEST(Accounts, WhatIsNotThereIsNamedWithWhatIsNear) {
  Accounts accounts = two_clouds();
  EXPECT_NE(accounts.use_cloud("theer").error().message.find("Did you mean 'there'?"), std::string::npos);
  EXPECT_EQ(accounts.use_context("x").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(accounts.remove_cloud("x").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(accounts.remove_context("x").error().code, ErrorCode::kNotFound);
}

TEST(Accounts, AfterARemovalAnotherIsCurrent) {
  Accounts accounts = two_clouds();
  ASSERT_TRUE(accounts.use_context("here"));
  ASSERT_TRUE(accounts.remove_context("here"));
  EXPECT_EQ(accounts.current_context, "here-too");
  ASSERT_TRUE(accounts.remove_cloud("here"));
  EXPECT_EQ(accounts.contexts.size(), 1u);
  EXPECT_EQ(accounts.current_context, "there");
  ASSERT_TRUE(accounts.remove_cloud("there"));
  EXPECT_FALSE(accounts.login());
}

TEST(Accounts, JsonComesBackAsItWas) {
  const Accounts accounts = two_clouds();
  const Accounts back = accounts_from_json(to_json(accounts)).value();
  EXPECT_EQ(to_json(back), to_json(accounts));
  EXPECT_EQ(back.login().value().secret, "secret-3");
}

TEST(Accounts, OtherJsonIsMalformed) {
  for (const std::string_view text :
       {"", "[]", "{}", R"({"clouds": {}, "contexts": []})", R"({"clouds": [1], "contexts": []})",
        R"({"clouds": [], "contexts": [{"name": "a"}]})"})
    EXPECT_EQ(accounts_from_json(text).error().code, ErrorCode::kMalformed) << text;
}

}  // namespace
}  // namespace slipway::cli
