// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is read from messages of the module, above all from such as it does not send. */
#include "messages.hh"

#include "control.hh"

#include <gtest/gtest.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

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

TEST(Messages, ExplainAFlow)
{
	Message message;
	__u32 step = SHMNET_FLOW_STEP_OFFERED;
	__u64 candidates = 1ULL << 63 | 1;
	message.add(SHMNET_A_STEP, &step, sizeof(step));
	message.add(SHMNET_A_CANDIDATES, &candidates, sizeof(candidates));
	Explanation explanation = read_explanation(message.cut());
	EXPECT_EQ(explanation.step, step);
	EXPECT_EQ(explanation.candidates, candidates);
	EXPECT_FALSE(explanation.slot);
	__u32 slot = 0;
	message.add(SHMNET_A_SLOT, &slot, sizeof(slot));
	EXPECT_EQ(read_explanation(message.cut()).slot, slot);
}

TEST(Messages, HaveRoomForAllServices)
{
	std::vector<ServiceInfo> services(SHMNET_SERVICES_MAX);
	for (__u32 i = 0; i < services.size(); i++)
		services[i] = {.protocol = 6,
			       .address = {0x20, static_cast<__u8>(i)},
			       .port = i + 1,
			       .weight = i % 257,
			       .balance = SHMNET_BALANCE_LEAST,
			       .connections = i * 1000,
			       .flags = i & SHMNET_SERVICE_LOCAL};
	std::unique_ptr<nl_msg, void (*)(nl_msg*)> message(
		nlmsg_alloc_size(nlmsg_total_size(GENL_HDRLEN) + services_bytes(services.size())),
		nlmsg_free);
	genlmsg_put(message.get(), 0, 0, 0, 0, 0, SHMNET_CMD_SET_SERVICES, SHMNET_GENL_VERSION);
	put_tellings(message.get(), 7, {.services = services, .addresses = {}});
	EXPECT_EQ(nlmsg_hdr(message.get())->nlmsg_len,
		  NLMSG_LENGTH(GENL_HDRLEN) + services_bytes(services.size()));

	Attributes attributes = Attributes::of(message.get());
	EXPECT_EQ(attributes.u32_of(SHMNET_A_IFINDEX), 7u);
	auto read = attributes.each(SHMNET_A_SERVICE, [](const Attributes& service) {
		return ServiceInfo{.protocol = service.u32_of(SHMNET_A_SERVICE_PROTOCOL),
				   .address = service.bytes_of<16>(SHMNET_A_SERVICE_ADDRESS),
				   .port = service.u32_of(SHMNET_A_SERVICE_PORT),
				   .weight = service.u32_of(SHMNET_A_SERVICE_WEIGHT),
				   .balance = service.u32_of(SHMNET_A_SERVICE_BALANCE),
				   .connections = service.u32_of(SHMNET_A_SERVICE_CONNECTIONS),
				   .flags = service.u32_of(SHMNET_A_SERVICE_FLAGS)};
	});
	EXPECT_EQ(read, services);
}

TEST(Messages, ThatAreRefusedSayWhatToDo)
{
	struct {
		int code;
		const char* remedy;
	} cases[] = {{EPERM, "CAP_NET_ADMIN"},   {ENODEV, "index 7"},
		     {EOPNOTSUPP, "shmg0"},      {E2BIG, "1022"},
		     {EINVAL, "at most 256"},    {EMSGSIZE, "net.core.wmem_max"},
		     {EIO, "Input/output error"}};
	for (const auto& row : cases) {
		ServicesError error(row.code, 7, 2000);
		EXPECT_EQ(error.code(), row.code);
		EXPECT_NE(std::string(error.what()).find(row.remedy), std::string::npos)
			<< error.what();
	}
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
