// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the interface looks at its rings: by doorbells, by the two backup timers, and NAPI between.
 *
 * A doorbell is a hint. Its vector sets bits by slot, NAPI polls those rings, arms them again when
 * they are empty, and looks once more. What a timer finds that no doorbell announced is a rescue.
 * Whether the doorbell was lost shows only later: rings are then not armed, and polled by the
 * timer, until it comes after all (it was late) or RESCUE_GRACE_MS have passed (it was lost, and
 * the frames that were found first count as timer_rescue). An interface that has RESCUES_MAX such
 * frames in a second, or rescues them UNHEARD_MAX times without hearing any doorbell at all, does
 * without doorbells from then on.
 */
#include "shmnet.h"

#include "events.h"

#include <linux/sched/clock.h>

/* Longer than a host that has too much to do keeps an interrupt back. */
#define RESCUE_GRACE_MS		250
#define RESCUES_MAX		8
#define UNHEARD_MAX		4

/* The interval between polls without doorbells grows so far while there is no traffic. */
#define POLL_INTERVAL_MAX	(4 * NSEC_PER_MSEC)

/* Has NAPI look at the rings of @slots without a doorbell. Process or softirq context. */
void shmnet_scan(struct shmnet_net *net, u64 slots)
{
	atomic64_or(slots, &net->scan);
	/* Enabling BH runs what was scheduled at once. */
	local_bh_disable();
	napi_schedule(&net->napi);
	local_bh_enable();
}

/* Where it looks by the timer now: everywhere and for good, or while a vector is masked. */
static u64 polled_slots(const struct shmnet_net *net)
{
	return READ_ONCE(net->polling) ? shmnet_all_slots(net) : shmnet_masked_slots(net);
}

/* Any context. */
void shmnet_start_timer(struct shmnet_net *net)
{
	/* A timer that is being served is not queued: starting it then is right, and is allowed. */
	if (!hrtimer_is_queued(&net->timer))
		hrtimer_start(&net->timer, ns_to_ktime(SHMNET_TICK_NS), HRTIMER_MODE_REL_SOFT);
}

enum hrtimer_restart shmnet_timer(struct hrtimer *timer)
{
	struct shmnet_net *net = container_of(timer, struct shmnet_net, timer);
	ktime_t interval = ns_to_ktime(SHMNET_TICK_NS);
	ktime_t now = ktime_get();
	u64 slots = polled_slots(net);
	bool again = false;
	u32 slot;

	/* Polling may run the timer more often; a tick is a millisecond all the same. */
	if (ktime_sub(now, net->tick_time) >= SHMNET_TICK_NS) {
		WRITE_ONCE(net->ticks, net->ticks + 1);
		net->tick_time = now;
	}
	for (slot = 0; slot < net->device->info.nodes; slot++)
		if (!shmnet_is_own(net, slot))
			again |= shmnet_tx_tick(net, slot);
	if (slots)
		interval = min(interval, READ_ONCE(net->poll_interval));
	if (READ_ONCE(net->rescue_slots))
		slots = shmnet_all_slots(net);
	if (READ_ONCE(net->casts_resting)) {
		again = true;
		if (local_clock() >= READ_ONCE(net->casts_rest_until))
			slots |= BIT_ULL(net->device->slot);
	}
	if (slots) {
		shmnet_scan(net, slots);
		again = true;
	}
	/* Started, not forwarded: a sender on another CPU may have started it meanwhile. */
	if (again)
		hrtimer_start(timer, interval, HRTIMER_MODE_REL_SOFT);
	return HRTIMER_NORESTART;
}

/* A timer's look found frames behind @slot that no doorbell had announced. */
static void note_rescue(struct shmnet_net *net, u32 slot, u32 frames)
{
	if (polled_slots(net) & BIT_ULL(slot))
		return;
	if (!net->rescue_slots) {
		net->rescue_since = ktime_get();
		net->rescue_frames = 0;
	}
	WRITE_ONCE(net->rescue_slots, net->rescue_slots | BIT_ULL(slot));
	net->rescue_frames += frames;
	shmnet_start_timer(net);
}

/* Does without doorbells from now on. NAPI, or before it is enabled. */
void shmnet_use_polling(struct shmnet_net *net)
{
	WRITE_ONCE(net->polling, true);
	shmnet_start_timer(net);
}

/* While a vector is masked, it is the timer that looks at its rings. */
static void heed_masking(struct shmnet_net *net)
{
	u32 maskings = atomic_read(&net->device->maskings);

	shmnet_count_add(&net->counters, doorbells_masked, maskings - net->maskings);
	net->maskings = maskings;
	if (unlikely(shmnet_masked_slots(net)))
		shmnet_start_timer(net);
}

/* Decides whether the doorbells that were missing were late or lost. */
static void settle_rescue(struct shmnet_net *net, u64 rang)
{
	ktime_t now;

	if (likely(!net->rescue_slots))
		return;
	now = ktime_get();
	if ((rang | shmnet_masked_slots(net)) & net->rescue_slots) {
		shmnet_count_add(&net->counters, timer_early, net->rescue_frames);
	} else if (ktime_ms_delta(now, net->rescue_since) >= RESCUE_GRACE_MS) {
		shmnet_count_add(&net->counters, timer_rescue, net->rescue_frames);
		if (ktime_ms_delta(now, net->rescue_window) >= MSEC_PER_SEC) {
			net->rescue_window = now;
			net->rescues = 0;
		}
		net->rescues += net->rescue_frames;
		if (net->rescues >= RESCUES_MAX || ++net->unheard >= UNHEARD_MAX) {
			netdev_warn(net->dev, "doorbells do not arrive: polling from now on\n");
			shmnet_use_polling(net);
			shmnet_tell_polling(net);
		}
	} else {
		return;
	}
	WRITE_ONCE(net->rescue_slots, 0);
}

/* Whether a doorbell was asked for, and nothing has been read since. */
static bool is_armed(const struct shmnet_net *net, u32 slot)
{
	const struct shmnet_rx_queue *rx = &net->rx[slot];

	/* Casts stay armed until their doorbell comes. */
	if (shmnet_is_own(net, slot))
		return net->casts_armed && !(net->rescue_slots & BIT_ULL(slot));
	return rx->opened && rx->armed == shmnet_rx_consumed(rx->ring);
}

/* Whether doorbells are wanted there at all. */
static bool may_arm(const struct shmnet_net *net, u32 slot, u64 polled)
{
	if (polled & BIT_ULL(slot))
		return false;
	return shmnet_is_own(net, slot) ? !net->casts_resting : net->rx[slot].opened;
}

/*
 * Whether NAPI will go on without interrupts after a poll with @total frames, as its
 * napi_complete_done() decides: a program polls busily, or the user has interrupts deferred.
 */
static bool is_held(const struct napi_struct *napi, int total)
{
	const struct net_device *dev = napi->dev;
	int empty_polls = total ? READ_ONCE(dev->napi_defer_hard_irqs) :
				  napi->defer_hard_irqs_count;

	return (READ_ONCE(napi->state) & (NAPIF_STATE_NPSVC | NAPIF_STATE_IN_BUSY_POLL)) ||
	       (empty_polls > 0 && READ_ONCE(dev->gro_flush_timeout));
}

/*
 * Asks for doorbells on all that is empty and not @polled, and looks again at what was armed only
 * now. True if there is something, for the next poll.
 */
static bool arm_rings(struct shmnet_net *net, u64 polled)
{
	u64 armed = 0, waiting = 0;
	u32 slot;

	for (slot = 0; slot < net->device->info.nodes; slot++) {
		struct shmnet_rx_queue *rx = &net->rx[slot];

		if (is_armed(net, slot) || !may_arm(net, slot, polled))
			continue;
		shmnet_call(net, slot);
		if (shmnet_is_own(net, slot)) {
			shmnet_arm_casts(net);
		} else {
			SHMNET_AT(connection_R9);
			shmnet_rx_arm(rx->ring);
			rx->armed = shmnet_rx_consumed(rx->ring);
		}
		armed |= BIT_ULL(slot);
	}
	if (!armed)
		return false;
	if (armed & BIT_ULL(net->device->slot))
		SHMNET_AT(tape_R6);
	else
		SHMNET_AT(connection_R10);
	/* Pairs with the fences behind Producer::publish() and in ring_readers(). */
	shmnet_full_fence();
	for (slot = 0; slot < net->device->info.nodes; slot++) {
		if (!(armed & BIT_ULL(slot)))
			continue;
		if (shmnet_is_own(net, slot) ? shmnet_casts_waiting(net)
					     : shmnet_rx_waiting(net->rx[slot].ring))
			waiting |= BIT_ULL(slot);
	}
	net->unfinished |= waiting;
	return waiting;
}

/*
 * Asks for doorbells, but where NAPI is @held: what was looked at then is looked at again by the
 * next poll, since nobody rings. Casts are not; a look at them costs (moderation.c). True: poll
 * again.
 */
static bool finish_poll(struct shmnet_net *net, u64 slots, u64 polled, bool held)
{
	u64 rings = ~BIT_ULL(net->device->slot);

	if (!held)
		return arm_rings(net, polled);
	net->unfinished |= slots & rings;
	arm_rings(net, polled | rings);
	return true;
}

static void adapt_poll_interval(struct shmnet_net *net, int work)
{
	ktime_t interval = work ? SHMNET_POLL_NS : net->poll_interval * 2;

	WRITE_ONCE(net->poll_interval, min_t(ktime_t, interval, POLL_INTERVAL_MAX));
}

/* @ns: how long it took */
static int poll_casts(struct shmnet_net *net, bool announced, int budget, u64 *ns)
{
	u64 begin = local_clock();
	int work;

	if (shmnet_casts_rest(net, begin))
		return 0;
	work = shmnet_receive_casts(net, announced, budget);
	*ns = local_clock() - begin;
	shmnet_charge_casts(net, *ns);
	return work;
}

static int poll_slot(struct shmnet_net *net, u32 slot, int budget)
{
	shmnet_tx_clean(net, slot, budget);
	return shmnet_receive_ring(net, slot, budget);
}

int shmnet_poll(struct napi_struct *napi, int budget)
{
	struct shmnet_net *net = container_of(napi, struct shmnet_net, napi);
	u32 nodes = net->device->info.nodes;
	u64 rang, slots, announced;
	u64 begin = local_clock();
	u64 unfinished = 0;
	int total = 0, casts = 0;
	u64 casts_took = 0;
	u64 polled;
	bool again;
	u32 i;

	if (READ_ONCE(net->resting)) {
		napi_complete_done(napi, 0);
		return 0;
	}
	rang = atomic64_xchg(&net->pending, 0);
	slots = rang | atomic64_xchg(&net->scan, 0) | net->unfinished;
	announced = rang | net->unfinished;

	shmnet_count(&net->counters, polls);
	shmnet_count_add(&net->counters, doorbells_received, hweight64(rang));
	heed_masking(net);
	settle_rescue(net, rang);
	if (rang)
		net->unheard = 0;
	if (READ_ONCE(net->look))
		shmnet_look_at_tapes(net);
	for (i = 0; i < nodes; i++) {
		u32 slot = (net->next_slot + i) % nodes;
		bool armed;
		int work;

		if (!(slots & BIT_ULL(slot)))
			continue;
		if (total >= budget) {
			unfinished |= BIT_ULL(slot);
			continue;
		}
		armed = is_armed(net, slot);
		if (shmnet_is_own(net, slot)) {
			work = poll_casts(net, announced & BIT_ULL(slot), budget - total,
					  &casts_took);
			casts = work;
		} else {
			work = poll_slot(net, slot, budget - total);
		}
		total += work;
		if (total >= budget)
			unfinished |= BIT_ULL(slot);
		if (work && armed && !(announced & BIT_ULL(slot)))
			note_rescue(net, slot, work);
	}
	shmnet_xdp_flush(net);
	net->unfinished = unfinished;
	net->next_slot = (net->next_slot + 1) % nodes;
	if (shmnet_rest(net, begin, total - casts, casts_took)) {
		/* All of it is looked at again, and is armed then; casts need not ring before. */
		net->unfinished |= slots;
		shmnet_disarm_casts(net);
		total = min(total, budget - 1);
		napi_complete_done(napi, total);
		return total;
	}
	if (total >= budget)
		return budget;

	polled = polled_slots(net);
	if (polled)
		adapt_poll_interval(net, total);
	/* Before the end of this poll: behind it another CPU may be in the next one. */
	again = !net->polling && !net->rescue_slots;
	if (again)
		again = finish_poll(net, slots, polled, is_held(napi, total));
	if (napi_complete_done(napi, total) && again)
		napi_schedule(napi);
	return total;
}
