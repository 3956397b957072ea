#include "http/connections.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace slipway::http {
namespace {

class TestConnection final : public Connection {
 public:
  using Connection::Connection;
  void drop() override { dropped = true; }
  bool dropped = false;
};

class ConnectionsTest : public testing::Test {
 protected:
  // Null where there is no room.
  TestConnection* connect(const std::string& ip_address) {
    const std::string address = counted_address(ip_address);
    if (!connections.make_room(address)) return nullptr;
    made.push_back(std::make_unique<TestConnection>(address));
    connections.add(*made.back());
    return made.back().get();
  }
  std::size_t alive() const {
    return static_cast<std::size_t>(
        std::count_if(made.begin(), made.end(), [](const auto& connection) { return !connection->dropped; }));
  }

  Connections connections{{.connections = 8, .per_address = 2, .buffered = 100}};
  std::vector<std::unique_ptr<TestConnection>> made;
};

TEST_F(ConnectionsTest, AnAddressOnlyPushesOutItself) {
  TestConnection* const other = connect("10.77.0.9");
  TestConnection* const first = connect("10.77.0.10");
  TestConnection* const second = connect("10.77.0.10");
  ASSERT_NE(connect("10.77.0.10"), nullptr);
  EXPECT_TRUE(first->dropped);
  EXPECT_FALSE(second->dropped);
  EXPECT_FALSE(other->dropped);
  for (int flood = 0; flood < 1000; ++flood) ASSERT_NE(connect("10.77.0.10"), nullptr);
  EXPECT_FALSE(other->dropped);
  EXPECT_EQ(alive(), 3U);
}

TEST_F(ConnectionsTest, WhoNeverFinishedARequestGivesWayFirst) {
  std::vector<TestConnection*> served;
  for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}) {
    served.push_back(connect(address));
    connections.answering(*served.back());
    connections.answered(*served.back());
  }
  std::vector<TestConnection*> silent;
  for (const char* address : {"10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4"}) silent.push_back(connect(address));
  for (std::size_t next = 0; next < 4; ++next) {
    TestConnection* const busy = connect("10.0.2." + std::to_string(next));
    ASSERT_NE(busy, nullptr);
    connections.answering(*busy);
    EXPECT_TRUE(silent[next]->dropped);
  }
  // Then those that are idle, by the time of their last answer; and nobody who is being answered.
  connections.answering(*served[0]);
  connections.answered(*served[0]);
  ASSERT_NE(connect("10.0.3.1"), nullptr);
  EXPECT_TRUE(served[1]->dropped);
  EXPECT_FALSE(served[0]->dropped);
}

TEST_F(ConnectionsTest, WhereAllAreBeingAnsweredTheNewestIsTurnedAway) {
  for (int next = 0; next < 8; ++next) connections.answering(*connect("10.0.0." + std::to_string(next)));
  EXPECT_EQ(connect("10.0.1.1"), nullptr);
  EXPECT_EQ(alive(), 8U);
  connections.remove(*made[3]);
  EXPECT_NE(connect("10.0.1.1"), nullptr);
}

TEST_F(ConnectionsTest, LoopbackIsOneAddressWithHalfOfAll) {
  for (int next = 1; next < 100; ++next) ASSERT_NE(connect("127.0.0." + std::to_string(next)), nullptr);
  EXPECT_EQ(alive(), 4U);
  EXPECT_EQ(counted_address("::1"), kLoopback);
  EXPECT_EQ(counted_address("::ffff:127.0.0.1"), kLoopback);
  EXPECT_EQ(counted_address("::ffff:10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(counted_address("2001:db8::1"), counted_address("2001:db8::ffff:1"));
  EXPECT_NE(counted_address("2001:db8::1"), counted_address("2001:db8:0:1::1"));
}

TEST_F(ConnectionsTest, BodiesTogetherAreBoundedAndTheOldestUnfinishedOneGivesWay) {
  TestConnection* const first = connect("10.0.0.1");
  TestConnection* const second = connect("10.0.0.2");
  TestConnection* const third = connect("10.0.0.3");
  TestConnection* const without = connect("10.0.0.4");
  EXPECT_TRUE(connections.reserve(*first, 60));
  EXPECT_TRUE(connections.reserve(*second, 40));
  EXPECT_TRUE(connections.reserve(*third, 60)) << "the first has not sent all of its body";
  EXPECT_TRUE(first->dropped);
  EXPECT_FALSE(second->dropped);
  EXPECT_FALSE(without->dropped) << "it holds nothing";
  connections.answering(*second);
  connections.answering(*third);
  EXPECT_FALSE(connections.reserve(*without, 1)) << "both are being answered";
  connections.answered(*third);
  EXPECT_TRUE(connections.reserve(*without, 60));
  EXPECT_FALSE(connections.reserve(*without, 1000));
}

}  // namespace
}  // namespace slipway::http
