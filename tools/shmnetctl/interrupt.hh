/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* For commands that go on until they are told to end: SIGINT and SIGTERM, one at a time. */
#pragma once

#include "unique_fd.hh"

namespace shmnet::ctl {

class Interrupt {
public:
	enum class Wake { INTERRUPTED, READABLE, TIMEOUT };

	/* From here on the signals end nothing by themselves. */
	Interrupt();

	/* Waits for a signal, for @descriptor (-1: none), or so many milliseconds (-1: for ever). */
	Wake wait(int descriptor, int timeout) const;

private:
	UniqueFd signals_;
};

} // namespace shmnet::ctl
