/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* In the place of the module: what it is told, and what it answers, is a test's affair. */
#pragma once

#include "shmnetd/module.hh"
#include "unique_fd.hh"

#include <functional>
#include <vector>

namespace shmnet::test {

class FakeModule final : public shmnetd::Module {
public:
	struct Told {
		__u32 ifindex;
		std::vector<ServiceInfo> services;
		std::vector<SharedAddressInfo> addresses;
	};

	FakeModule();

	std::vector<GlobalInterface> interfaces() override { return present; }
	void set_services(__u32 ifindex, const Tellings& tellings) override;
	std::vector<AddressOffer> shared_addresses(__u32 ifindex) override;
	int descriptor() const override { return event_.get(); }
	/* Takes rejoin(). */
	bool receive() override;

	/* As if the node had joined anew. */
	void rejoin();

	std::vector<GlobalInterface> present;
	std::vector<Told> told; /* in order */
	std::vector<AddressOffer> said_by_others;
	int refuse = 0; /* with this errno */
	/* Called when something was told, or refused. */
	std::function<void()> on_told = [] {};

private:
	UniqueFd event_;
};

} // namespace shmnet::test
