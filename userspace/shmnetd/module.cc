// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "module.hh"

#include <algorithm>
#include <set>

namespace shmnet::shmnetd {

void keep_here(ModuleValues& values, const std::function<bool(const InterfaceInfo&)>& belongs)
{
	std::erase_if(values.counters,
		      [&](const CounterInfo& info) { return !belongs(info.interface); });
	std::erase_if(values.offers,
		      [&](const OfferInfo& offer) { return !belongs(offer.interface); });
	std::set<std::string> devices;
	for (const CounterInfo& info : values.counters)
		devices.insert(info.device);
	std::erase_if(values.nodes,
		      [&](const NodeInfo& node) { return !devices.contains(node.device); });
}

ModuleValues ask_module()
{
	Control control;
	ModuleValues values = {.counters = control.counters(""),
			       .nodes = control.nodes(""),
			       .offers = control.offers("")};
	keep_here(values, [](const InterfaceInfo& interface) {
		return is_here(interface.name, interface.index);
	});
	return values;
}

std::vector<GlobalInterface> KernelModule::interfaces()
{
	return global_interfaces_here(control_);
}

void KernelModule::set_services(__u32 ifindex, const Tellings& tellings)
{
	control_.set_services(ifindex, tellings);
}

std::vector<AddressOffer> KernelModule::shared_addresses(__u32 ifindex)
{
	std::vector<AddressOffer> offers = control_.shared_addresses("");
	std::erase_if(offers, [ifindex](const AddressOffer& offer) {
		return offer.interface.index != ifindex || !is_here(offer.interface.name, ifindex);
	});
	return offers;
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
