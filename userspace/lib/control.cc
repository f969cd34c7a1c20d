// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "control.hh"

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include <algorithm>

namespace shmnet {

namespace {

using Take = std::function<void(const Attributes&)>;

constexpr size_t SEND_BUFFER = 32768; /* bytes; libnl's own */

int on_message(nl_msg* answer, void* take)
{
	(*static_cast<const Take*>(take))(Attributes::of(answer));
	return NL_OK;
}

std::string refusal_text(int code, __u32 ifindex)
{
	switch (code) {
	case EPERM:
		return "not permitted: run it as root, or with CAP_NET_ADMIN in the user namespace "
		       "that the interface's network namespace belongs to";
	case ENODEV:
		return fmt::format("there is no shmnet interface with the index {} in this network "
				   "namespace: 'shmnetctl device' names those that are",
				   ifindex);
	case EOPNOTSUPP:
		return "its network is not global (or the module is an older one, which does not "
		       "know of this): choose an interface such as shmg0";
	}
	return strerror(code);
}

std::string services_error_text(int code, __u32 ifindex, size_t count)
{
	switch (code) {
	case E2BIG:
		return fmt::format("{} services are too many: a node has at most {} on a network",
				   count, SHMNET_SERVICES_MAX);
	case EINVAL:
		return fmt::format(
			"one of the {} services cannot be: give an address, a port, TCP, UDP "
			"or SCTP, a weight of at most {} and a balance that there is",
			count, SHMNET_WEIGHT_MAX);
	case EMSGSIZE:
		return fmt::format("a message with {} services does not fit into the socket's "
				   "buffer: raise net.core.wmem_max",
				   count);
	}
	return refusal_text(code, ifindex);
}

/* A request that is no dump, on a socket of its own: libnl loses count of the answers where one could
 * not be sent. */
class Request {
public:
	/* @bytes: of the message. */
	Request(int command, size_t bytes)
	    : bytes_(nlmsg_total_size(GENL_HDRLEN) + bytes), message_(nlmsg_alloc_size(bytes_))
	{
		if (!message_)
			throw Error("no memory for a netlink message");
		genlmsg_put(message_, NL_AUTO_PORT, NL_AUTO_SEQ, socket_.family(), 0, 0, command,
			    SHMNET_GENL_VERSION);
	}
	~Request() { nlmsg_free(message_); }
	Request(const Request&) = delete;
	Request& operator=(const Request&) = delete;

	nl_msg* message() { return message_; }

	/* Returns 0, or the errno with which it is refused. @take: what there is of an answer. */
	int send(const Take& take)
	{
		int refused = 0;
		nl_socket_modify_err_cb(socket_.get(), NL_CB_CUSTOM, keep_refusal, &refused);
		nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, on_message,
				    const_cast<Take*>(&take));
		/* What libnl chooses is too little for all services. */
		int code = nl_socket_set_buffer_size(
			socket_.get(), 0, static_cast<int>(std::max<size_t>(bytes_, SEND_BUFFER)));
		errno = 0;
		if (code >= 0)
			code = nl_send_auto(socket_.get(), message_);
		if (code < 0 && errno == EMSGSIZE)
			return EMSGSIZE;
		if (code >= 0)
			code = nl_recvmsgs_default(socket_.get());
		if (code < 0 && !refused)
			throw Error(
				fmt::format("the module did not answer: {}", nl_geterror(code)));
		return refused;
	}

private:
	GenlSocket socket_;
	size_t bytes_;
	nl_msg* message_;
};

/* Of a request that has an interface and some small attributes. */
constexpr size_t SMALL = 256;

} // namespace

ServicesError::ServicesError(int code, __u32 ifindex, size_t count)
    : Error("cannot publish services: " + services_error_text(code, ifindex, count)), code_(code)
{
}

void Control::dump(int command, const std::string& device, const Take& take)
{
	nl_msg* message = nlmsg_alloc();
	if (!message)
		throw Error("no memory for a netlink message");
	genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, socket_.family(), 0, NLM_F_DUMP, command,
		    SHMNET_GENL_VERSION);
	if (!device.empty())
		nla_put_string(message, SHMNET_A_DEVICE, device.c_str());
	nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, on_message,
			    const_cast<Take*>(&take));
	int code = nl_send_auto(socket_.get(), message);
	nlmsg_free(message);
	if (code >= 0)
		code = nl_recvmsgs_default(socket_.get());
	if (code < 0)
		throw Error(fmt::format("the module did not answer: {}", nl_geterror(code)));
}

template <typename Info> std::vector<Info> Control::all(int command, const std::string& device,
							Info (*read)(const Attributes&))
{
	std::vector<Info> all;
	dump(command, device,
	     [&all, read](const Attributes& attributes) { all.push_back(read(attributes)); });
	return all;
}

std::vector<DeviceInfo> Control::devices(const std::string& device)
{
	return all(SHMNET_CMD_GET_DEVICE, device, read_device);
}

std::vector<NodeInfo> Control::nodes(const std::string& device)
{
	return all(SHMNET_CMD_GET_NODE, device, read_node);
}

std::vector<CounterInfo> Control::counters(const std::string& device)
{
	return all(SHMNET_CMD_GET_COUNTERS, device, read_counters);
}

std::vector<RingInfo> Control::rings(const std::string& device)
{
	return all(SHMNET_CMD_GET_RING, device, read_ring);
}

std::vector<TapeInfo> Control::tapes(const std::string& device)
{
	return all(SHMNET_CMD_GET_TAPE, device, read_tape);
}

std::vector<FlowInfo> Control::flows(const std::string& device)
{
	return all(SHMNET_CMD_GET_FLOW, device, read_flow);
}

std::vector<OfferInfo> Control::offers(const std::string& device)
{
	std::vector<OfferInfo> offers;
	dump(SHMNET_CMD_GET_SERVICE, device, [&offers](const Attributes& attributes) {
		if (!is_address_offer(attributes))
			offers.push_back(read_offer(attributes));
	});
	return offers;
}

std::vector<AddressOffer> Control::shared_addresses(const std::string& device)
{
	std::vector<AddressOffer> offers;
	dump(SHMNET_CMD_GET_SERVICE, device, [&offers](const Attributes& attributes) {
		if (is_address_offer(attributes))
			offers.push_back(read_address_offer(attributes));
	});
	return offers;
}

void Control::set_services(__u32 ifindex, const Tellings& tellings)
{
	Request request(SHMNET_CMD_SET_SERVICES, services_bytes(tellings.size()));
	put_tellings(request.message(), ifindex, tellings);
	if (int refused = request.send([](const Attributes&) {}))
		throw ServicesError(refused, ifindex, tellings.size());
}

void Control::set_draining(__u32 ifindex, bool draining)
{
	Request request(SHMNET_CMD_SET_DRAINING, SMALL);
	nla_put_u32(request.message(), SHMNET_A_IFINDEX, ifindex);
	nla_put_u32(request.message(), SHMNET_A_DRAINING, draining);
	if (int refused = request.send([](const Attributes&) {}))
		throw Error("the interface cannot be set: " + refusal_text(refused, ifindex));
}

Explanation Control::explain(__u32 ifindex, const FlowQuestion& flow)
{
	Request request(SHMNET_CMD_EXPLAIN, SMALL);
	Explanation explanation;
	put_flow_question(request.message(), ifindex, flow);
	int refused = request.send([&explanation](const Attributes& attributes) {
		explanation = read_explanation(attributes);
	});
	if (refused)
		throw Error("the flow cannot be explained: " + refusal_text(refused, ifindex));
	return explanation;
}

} // namespace shmnet
