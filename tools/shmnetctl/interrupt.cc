// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "interrupt.hh"
#include "error.hh"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

namespace shmnet::ctl {

Interrupt::Interrupt()
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, nullptr);
	signals_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC));
	if (signals_.get() < 0)
		throw system_error("cannot wait for signals");
}

Interrupt::Wake Interrupt::wait(int descriptor, int timeout) const
{
	pollfd polled[] = {{signals_.get(), POLLIN, 0}, {descriptor, POLLIN, 0}};
	int ready = poll(polled, 2, timeout);
	if (ready < 0 && errno != EINTR)
		throw system_error("cannot wait");
	if (ready > 0 && polled[0].revents)
		return Wake::INTERRUPTED;
	return ready > 0 ? Wake::READABLE : Wake::TIMEOUT;
}

} // namespace shmnet::ctl
