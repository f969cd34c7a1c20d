// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/fake_module.hh"

#include <sys/eventfd.h>

namespace shmnet::test {

FakeModule::FakeModule() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void FakeModule::set_services(__u32 ifindex, const Tellings& tellings)
{
	told.push_back({ifindex, tellings.services, tellings.addresses});
	on_told();
	if (refuse)
		throw ServicesError(refuse, ifindex, tellings.size());
}

std::vector<AddressOffer> FakeModule::shared_addresses(__u32)
{
	return said_by_others;
}

bool FakeModule::receive()
{
	eventfd_t count;
	return ::eventfd_read(event_.get(), &count) == 0;
}

void FakeModule::rejoin()
{
	(void)::eventfd_write(event_.get(), 1);
}

} // namespace shmnet::test
