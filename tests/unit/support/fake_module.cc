// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "support/fake_module.hh"

#include <sys/eventfd.h>

namespace shmnet::test {

FakeModule::FakeModule() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void FakeModule::set_services(__u32 ifindex, const std::vector<ServiceInfo>& services)
{
	told.push_back({ifindex, services});
	on_told();
	if (refuse)
		throw ServicesError(refuse, ifindex, services.size());
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
