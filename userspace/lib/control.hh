/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Asks the module over generic netlink (include/uapi/linux/shmnet.h). */
#pragma once

#include "error.hh"
#include "messages.hh"

#include <functional>
#include <string>
#include <vector>

namespace shmnet {

/* The module did not take a node's services. */
class ServicesError : public Error {
public:
	/* @code: errno. @count: services that were to be published. */
	ServicesError(int code, __u32 ifindex, size_t count);

	int code() const { return code_; }

private:
	int code_;
};

/*
 * A connection to the module of this kernel. Everything throws Error, the constructor if the module
 * is not loaded.
 */
class Control {
public:
	/* Of one device, by its PCI address, or of all if @device is empty. */
	std::vector<DeviceInfo> devices(const std::string& device);
	std::vector<NodeInfo> nodes(const std::string& device);
	std::vector<CounterInfo> counters(const std::string& device);
	std::vector<RingInfo> rings(const std::string& device);
	std::vector<TapeInfo> tapes(const std::string& device);
	/* For who has CAP_NET_ADMIN. */
	std::vector<FlowInfo> flows(const std::string& device);
	/* What nodes offer, and what they say of the addresses at which they do. */
	std::vector<OfferInfo> offers(const std::string& device);
	std::vector<AddressOffer> shared_addresses(const std::string& device);

	/*
	 * Replaces all that this node says on the global network of an interface, which is in the
	 * network namespace of whoever asks; for who has CAP_NET_ADMIN there. All or nothing. Throws
	 * ServicesError if the module refuses.
	 */
	void set_services(__u32 ifindex, const Tellings& tellings);

	/*
	 * Whether this node is still given new flows on the global network of an interface; and to whom a
	 * flow would go. As of set_services(), but that they throw Error.
	 */
	void set_draining(__u32 ifindex, bool draining);
	Explanation explain(__u32 ifindex, const FlowQuestion& flow);

private:
	void dump(int command, const std::string& device,
		  const std::function<void(const Attributes&)>& take);
	template <typename Info> std::vector<Info> all(int command, const std::string& device,
						       Info (*read)(const Attributes&));

	GenlSocket socket_;
};

} // namespace shmnet
