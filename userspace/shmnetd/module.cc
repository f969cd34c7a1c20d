// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "module.hh"

#include <algorithm>

namespace shmnet::shmnetd {

std::vector<GlobalInterface> KernelModule::interfaces()
{
	return global_interfaces_here(control_);
}

void KernelModule::set_services(__u32 ifindex, const std::vector<ServiceInfo>& services)
{
	control_.set_services(ifindex, services);
}

bool KernelModule::receive()
{
	Events::Batch batch = events_.receive();
	return batch.lost ||
	       std::any_of(batch.events.begin(), batch.events.end(), [](const EventInfo& event) {
		       return event.event == SHMNET_EVENT_REJOINED;
	       });
}

} // namespace shmnet::shmnetd
