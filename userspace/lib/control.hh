/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Asks the module over generic netlink (include/uapi/linux/shmnet.h). */
#pragma once

#include "messages.hh"

#include <functional>
#include <string>
#include <vector>

namespace shmnet {

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

private:
	void dump(int command, const std::string& device,
		  const std::function<void(const Attributes&)>& take);
	template <typename Info> std::vector<Info> all(int command, const std::string& device,
						       Info (*read)(const Attributes&));

	GenlSocket socket_;
};

} // namespace shmnet
