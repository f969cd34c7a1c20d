/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: /sys/kernel/tracing/events/shmnet. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM shmnet

#if !defined(SHMNET_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SHMNET_TRACE_H

#include <linux/netdevice.h>
#include <linux/tracepoint.h>

/* Names are of few bytes, and copied: what is read later may be gone by then. */
#define SHMNET_TRACE_DEVICE_LEN	16
#define SHMNET_TRACE_REASON_LEN	16

DECLARE_EVENT_CLASS(shmnet_node,
		    TP_PROTO(const char *device, u32 node, u32 incarnation),
		    TP_ARGS(device, node, incarnation),
		    TP_STRUCT__entry(__array(char, device, SHMNET_TRACE_DEVICE_LEN)
				     __field(u32, node)
				     __field(u32, incarnation)
		    ),
		    TP_fast_assign(strscpy_pad(__entry->device, device, SHMNET_TRACE_DEVICE_LEN);
				   __entry->node = node;
				   __entry->incarnation = incarnation;
		    ),
		    TP_printk("device=%s node=%u incarnation=%u", __entry->device, __entry->node,
			      __entry->incarnation)
);

DEFINE_EVENT(shmnet_node, node_came,
	     TP_PROTO(const char *device, u32 node, u32 incarnation),
	     TP_ARGS(device, node, incarnation)
);

/* It left, or a new incarnation took its place. */
DEFINE_EVENT(shmnet_node, node_gone,
	     TP_PROTO(const char *device, u32 node, u32 incarnation),
	     TP_ARGS(device, node, incarnation)
);

/* The hub saw its guest end. */
DEFINE_EVENT(shmnet_node, node_died,
	     TP_PROTO(const char *device, u32 node, u32 incarnation),
	     TP_ARGS(device, node, incarnation)
);

/* No sign of life for too long. */
DEFINE_EVENT(shmnet_node, node_suspected,
	     TP_PROTO(const char *device, u32 node, u32 incarnation),
	     TP_ARGS(device, node, incarnation)
);

TRACE_EVENT(ring_connect,
	    TP_PROTO(const struct net_device *dev, u32 node, u32 queue, u32 incarnation),
	    TP_ARGS(dev, node, queue, incarnation),
	    TP_STRUCT__entry(__array(char, name, IFNAMSIZ)
			     __field(u32, node)
			     __field(u32, queue)
			     __field(u32, incarnation)
	    ),
	    TP_fast_assign(strscpy_pad(__entry->name, dev->name, IFNAMSIZ);
			   __entry->node = node;
			   __entry->queue = queue;
			   __entry->incarnation = incarnation;
	    ),
	    TP_printk("dev=%s node=%u queue=%u incarnation=%u", __entry->name, __entry->node,
		      __entry->queue, __entry->incarnation)
);

TRACE_EVENT(ring_end,
	    TP_PROTO(const struct net_device *dev, u32 node, u32 queue, u32 fault),
	    TP_ARGS(dev, node, queue, fault),
	    TP_STRUCT__entry(__array(char, name, IFNAMSIZ)
			     __field(u32, node)
			     __field(u32, queue)
			     __field(u32, fault)
	    ),
	    TP_fast_assign(strscpy_pad(__entry->name, dev->name, IFNAMSIZ);
			   __entry->node = node;
			   __entry->queue = queue;
			   __entry->fault = fault;
	    ),
	    TP_printk("dev=%s node=%u queue=%u fault=%u", __entry->name, __entry->node,
		      __entry->queue, __entry->fault)
);

/* At each look that finds casts missed; @missed: by this reader so far. */
TRACE_EVENT(cast_lapped,
	    TP_PROTO(const struct net_device *dev, u32 tape, u64 missed),
	    TP_ARGS(dev, tape, missed),
	    TP_STRUCT__entry(__array(char, name, IFNAMSIZ)
			     __field(u32, tape)
			     __field(u64, missed)
	    ),
	    TP_fast_assign(strscpy_pad(__entry->name, dev->name, IFNAMSIZ);
			   __entry->tape = tape;
			   __entry->missed = missed;
	    ),
	    TP_printk("dev=%s tape=%u missed=%llu", __entry->name, __entry->tape, __entry->missed)
);

/* A frame that counts as tx_drop_@reason or rx_drop_@reason. */
TRACE_EVENT(drop,
	    TP_PROTO(const struct net_device *dev, bool sent, const char *reason, u32 len),
	    TP_ARGS(dev, sent, reason, len),
	    TP_STRUCT__entry(__array(char, name, IFNAMSIZ)
			     __array(char, reason, SHMNET_TRACE_REASON_LEN)
			     __field(u32, len)
			     __field(bool, sent)
	    ),
	    TP_fast_assign(strscpy_pad(__entry->name, dev->name, IFNAMSIZ);
			   strscpy_pad(__entry->reason, reason, SHMNET_TRACE_REASON_LEN);
			   __entry->len = len;
			   __entry->sent = sent;
	    ),
	    TP_printk("dev=%s direction=%s reason=%s len=%u", __entry->name,
		      __entry->sent ? "tx" : "rx", __entry->reason, __entry->len)
);

#endif /* SHMNET_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
