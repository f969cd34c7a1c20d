// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is read from messages of the module, above all from such as it does not send. */
#include "messages.hh"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace shmnet::test {

namespace {

/* Attributes one after the other, in memory of just their size. */
class Message {
public:
	void add(int type, const void* data, size_t size)
	{
		nlattr header = {static_cast<__u16>(NLA_HDRLEN + size), static_cast<__u16>(type)};
		append(&header, sizeof(header));
		append(data, size);
		bytes_.resize(NLA_ALIGN(bytes_.size()));
	}

	/* The last attribute ends where the memory does, without padding. */
	Attributes cut(size_t padding = 0)
	{
		size_ = bytes_.size() - padding;
		memory_ = std::make_unique<unsigned char[]>(size_);
		memcpy(memory_.get(), bytes_.data(), size_);
		return {reinterpret_cast<nlattr*>(memory_.get()), static_cast<int>(size_)};
	}

private:
	void append(const void* data, size_t size)
	{
		auto* from = static_cast<const unsigned char*>(data);
		bytes_.insert(bytes_.end(), from, from + size);
	}

	std::vector<unsigned char> bytes_;
	std::unique_ptr<unsigned char[]> memory_;
	size_t size_ = 0;
};

} // namespace

TEST(Messages, AreRead)
{
	Message message;
	__u32 slot = 3;
	__u64 size = 1ULL << 32;
	message.add(SHMNET_A_DEVICE, "0000:00:08.0", 13);
	message.add(SHMNET_A_SLOT, &slot, sizeof(slot));
	message.add(SHMNET_A_REGION_SIZE, &size, sizeof(size));
	DeviceInfo device = read_device(message.cut());
	EXPECT_EQ(device.device, "0000:00:08.0");
	EXPECT_EQ(device.slot, 3u);
	EXPECT_EQ(device.region_size, size);
	EXPECT_EQ(device.nodes, 0u) << "it is not there";
}

TEST(Messages, SayWhichFlow)
{
	Message message;
	const __u8 source[16] = {0x20, 0x01, 0x0d, 0xb8};
	__u32 port = 53, state = SHMNET_FLOW_DATAGRAM, slot = 2;
	message.add(SHMNET_A_FLOW_SOURCE, source, sizeof(source));
	message.add(SHMNET_A_FLOW_DESTINATION, source, 15);
	message.add(SHMNET_A_FLOW_DESTINATION_PORT, &port, sizeof(port));
	message.add(SHMNET_A_FLOW_STATE, &state, sizeof(state));
	message.add(SHMNET_A_SLOT, &slot, sizeof(slot));
	FlowInfo flow = read_flow(message.cut());
	EXPECT_EQ(flow.source[0], 0x20);
	EXPECT_EQ(flow.destination[3], 0xb8) << "as much as there is";
	EXPECT_EQ(flow.destination_port, 53u);
	EXPECT_EQ(flow.state, static_cast<__u32>(SHMNET_FLOW_DATAGRAM));
	EXPECT_EQ(flow.slot, 2u);
	EXPECT_EQ(flow.protocol, 0u) << "it is not there";
}

TEST(Messages, HaveNumbersOfFullLengthOnly)
{
	for (size_t size : {0u, 1u, 3u}) {
		Message message;
		message.add(SHMNET_A_SLOT, "\1\1\1", size);
		EXPECT_EQ(read_device(message.cut((4 - size) % 4)).slot, 0u) << size;
	}
	Message message;
	__u32 half = 1;
	message.add(SHMNET_A_REGION_SIZE, &half, sizeof(half));
	EXPECT_EQ(read_device(message.cut()).region_size, 0u);
}

TEST(Messages, HaveStringsThatEndWithTheirAttribute)
{
	Message message;
	message.add(SHMNET_A_DEVICE, "0000", 4);
	EXPECT_EQ(read_device(message.cut()).device, "0000");
	Message empty;
	empty.add(SHMNET_A_DEVICE, "", 0);
	EXPECT_EQ(read_device(empty.cut()).device, "");
}

TEST(Messages, HaveNestsThatEndWithTheirAttribute)
{
	/* Its length says more than there is. */
	nlattr longer = {200, SHMNET_A_INTERFACE};
	unsigned char nest[sizeof(longer)];
	memcpy(nest, &longer, sizeof(longer));
	Message message;
	message.add(SHMNET_A_INTERFACE, nest, sizeof(nest));
	DeviceInfo device = read_device(message.cut());
	ASSERT_EQ(device.interfaces.size(), 1u);
	EXPECT_EQ(device.interfaces[0].index, 0u);
	EXPECT_EQ(device.interfaces[0].name, "");
}

} // namespace shmnet::test
