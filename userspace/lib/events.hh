/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Listens to what the module tells (include/uapi/linux/shmnet.h, enum shmnet_event). */
#pragma once

#include "messages.hh"

#include <vector>

namespace shmnet {

/* A subscription. Everything throws Error. */
class Events {
public:
	Events();

	/* Readable when there is something to receive. */
	int descriptor() const;

	struct Batch {
		std::vector<EventInfo> events;
		bool lost = false; /* others came faster than they were read */
	};

	/* Waits for at least a message. Throws when the module goes. */
	Batch receive();

private:
	GenlSocket socket_;
};

} // namespace shmnet
