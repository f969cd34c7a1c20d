/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Listens to what the module tells (include/uapi/linux/shmnet.h, enum shmnet_event). */
#pragma once

#include "control.hh"

#include <optional>
#include <string>
#include <vector>

namespace shmnet {

struct EventInfo {
	__u32 event = 0;    /* enum shmnet_event */
	std::string device; /* PCI address */
	std::optional<InterfaceInfo> interface;
	std::optional<__u32> slot;
	std::optional<__u32> incarnation;
	std::optional<__u32> queue;
	std::optional<__u32> tape;
	std::optional<__u64> missed;
	std::optional<__u32> fault;
};

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
