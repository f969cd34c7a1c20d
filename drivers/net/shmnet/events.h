/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changes is told to tracepoints (trace.h) and to those who listen on generic netlink
 * (include/uapi/linux/shmnet.h). All of it in any context but hard interrupts: it does not sleep.
 */
#ifndef SHMNET_EVENTS_H
#define SHMNET_EVENTS_H

#include <linux/shmnet.h>

struct shmnet_device;
struct shmnet_net;

/* @event: one of NODE_*, or REJOINED. */
void shmnet_tell_node(struct shmnet_device *device, enum shmnet_event event, u32 slot,
		      u32 incarnation);
void shmnet_tell_connected(struct shmnet_net *net, u32 slot);
void shmnet_tell_ended(struct shmnet_net *net, u32 slot, enum shmnet_fault fault);
/* NAPI. @missed: by the reader of the tape so far. */
void shmnet_tell_lapped(struct shmnet_net *net, u32 tape, u64 missed);
void shmnet_tell_polling(struct shmnet_net *net);

#endif /* SHMNET_EVENTS_H */
