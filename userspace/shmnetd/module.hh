/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What shmnetd needs of the module. A test puts another in its place. */
#pragma once

#include "control.hh"
#include "events.hh"
#include "global_interfaces.hh"

#include <functional>
#include <string>
#include <vector>

namespace shmnet::shmnetd {

/* What the module says of the interfaces of this network namespace, and of their regions. */
struct ModuleValues {
	std::vector<CounterInfo> counters;
	std::vector<NodeInfo> nodes;
	std::vector<OfferInfo> offers;
};

/* Takes away what belongs to other namespaces only: @belongs says of an interface. */
void keep_here(ModuleValues& values, const std::function<bool(const InterfaceInfo&)>& belongs);

/* On a socket of its own, so any thread may. Throws Error. */
ModuleValues ask_module();

class Module {
public:
	virtual ~Module() = default;

	/* Of this network namespace. */
	virtual std::vector<GlobalInterface> interfaces() = 0;
	/* As Control::set_services(). */
	virtual void set_services(__u32 ifindex, const Tellings& tellings) = 0;
	/* What all nodes say of addresses on the network of an interface. */
	virtual std::vector<AddressOffer> shared_addresses(__u32 ifindex) = 0;

	/* Readable when something has happened. */
	virtual int descriptor() const = 0;
	/* True if what was published may be lost. Throws Error when the module goes. */
	virtual bool receive() = 0;
};

class KernelModule final : public Module {
public:
	std::vector<GlobalInterface> interfaces() override;
	void set_services(__u32 ifindex, const Tellings& tellings) override;
	std::vector<AddressOffer> shared_addresses(__u32 ifindex) override;
	int descriptor() const override { return events_.descriptor(); }
	bool receive() override;

private:
	Control control_;
	Events events_;
};

} // namespace shmnet::shmnetd
