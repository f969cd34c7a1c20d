// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving must not starve those who are received for. NAPI goes before every program: at a rate
 * that the CPU cannot take, it would bring frames whose programs never run, to be dropped at full
 * sockets. So when a program waits for this CPU, and many frames took more than half of its time,
 * the interface rests: it reads nothing and asks for no doorbells until the CPU is idle, or the
 * programs had their share. Meanwhile rings fill, and their senders wait.
 *
 * A tape has no sender that could be made to wait, and anybody can fill it. So tapes rest alone:
 * while programs want the CPU, they are read in half of the time, while rings carry frames in a
 * sixteenth; and what is overwritten meanwhile is missed. Nodes that come and go without end have
 * half of that, and not the time of an idle CPU either: the host may have given it to others.
 */
#include "shmnet.h"

#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/stat.h>

/* Large frames come in fewer, and their programs keep up. */
#define WINDOW_FRAMES	32
/* What programs get of the CPU, in times of what the frames took. */
#define SHARE		4
#define REST_MAX_NS	(2 * NSEC_PER_MSEC)
#define REST_STEP_NS	(50 * NSEC_PER_USEC)
/* Of the time one part in so many, and how much may be used, and be remembered, at once. */
#define CASTS_SHARE	2
#define CASTS_SHARE_BESIDE_RINGS 16
#define CASTS_SHARE_WITHOUT_END 32
#define CASTS_BURST_NS	(NSEC_PER_MSEC)
#define CASTS_DEBT_NS	(4 * NSEC_PER_MSEC)
/*
 * What a look takes at least, with the interrupt that no clock here sees. Beside rings tapes have a
 * thousand in a second so.
 */
#define CASTS_LOOK_NS	(NSEC_PER_MSEC / CASTS_SHARE_BESIDE_RINGS)
/* More nodes than there can be came or went in such a time. */
#define ANNOUNCEMENTS_MAX	SHMNET_NODES_MAX
#define ANNOUNCEMENTS_NS	(50 * NSEC_PER_MSEC)
/* Rings that have carried nothing for so long do not count. */
#define RINGS_IDLE_NS	(20 * NSEC_PER_MSEC)

/* Whether a program runs on this CPU, or would. Softirq or interrupt. */
static bool cpu_is_wanted(void)
{
	if (is_idle_task(current))
		return need_resched();
	/* ksoftirqd, or the NAPI's own thread: is there somebody beside it? */
	if (current->flags & PF_KTHREAD)
		return !single_task_running();
	return true;
}

/*
 * The end of a poll that began at @begin and had @frames of rings; @casts_took ns of it were the
 * tapes'. True: rest, and ask for no doorbells.
 */
bool shmnet_rest(struct shmnet_net *net, u64 begin, int frames, u64 casts_took)
{
	u64 now = local_clock();
	u64 busy, elapsed;

	if (frames)
		net->rings_carried = begin;
	/* A window begins with a frame: looks that found none are no part of it. */
	if (!net->window_frames) {
		net->window_since = begin;
		net->window_busy = 0;
	}
	net->window_frames += frames;
	net->window_busy += now - begin - casts_took;
	if (net->window_frames < WINDOW_FRAMES)
		return false;
	busy = net->window_busy;
	elapsed = now - net->window_since;
	net->window_frames = 0;
	if (2 * busy < elapsed || !cpu_is_wanted())
		return false;

	net->rest_until = now + min_t(u64, SHARE * busy, REST_MAX_NS);
	WRITE_ONCE(net->resting, true);
	hrtimer_start(&net->rest_timer, ns_to_ktime(REST_STEP_NS), HRTIMER_MODE_REL_PINNED);
	shmnet_count(&net->counters, rx_rests);
	return true;
}

/* Whether somebody announces nodes without end. */
static bool announced_without_end(struct shmnet_net *net, u64 now)
{
	if (now - net->announced_since >= ANNOUNCEMENTS_NS) {
		net->announced_without_end = net->announcements > ANNOUNCEMENTS_MAX;
		net->announcements = 0;
		net->announced_since = now;
	}
	return net->announced_without_end;
}

/*
 * Whether the tapes rest at @now, ns of local_clock(): no doorbells are asked for then, and the
 * backup timer comes back to it. NAPI.
 */
bool shmnet_casts_rest(struct shmnet_net *net, u64 now)
{
	bool alone = now - net->rings_carried >= RINGS_IDLE_NS;
	bool without_end = announced_without_end(net, now);
	u32 share = CASTS_SHARE;
	bool rest;

	if (!alone)
		share = without_end ? CASTS_SHARE_WITHOUT_END : CASTS_SHARE_BESIDE_RINGS;
	net->casts_debt -= min(net->casts_debt, div_u64(now - net->casts_looked, share));
	net->casts_looked = now;
	rest = net->casts_debt > CASTS_BURST_NS && (without_end || cpu_is_wanted());
	if (rest) {
		/* Else it ends with what programs want, which the timer looks at each time. */
		WRITE_ONCE(net->casts_rest_until,
			   without_end ? now + share * (net->casts_debt - CASTS_BURST_NS) : now);
		if (!net->casts_resting)
			shmnet_count(&net->counters, rx_cast_rests);
		shmnet_disarm_casts(net);
		shmnet_start_timer(net);
	}
	WRITE_ONCE(net->casts_resting, rest);
	return rest;
}

/* A look at the tapes took @ns. */
void shmnet_charge_casts(struct shmnet_net *net, u64 ns)
{
	ns = max_t(u64, ns, CASTS_LOOK_NS);
	net->casts_debt = min_t(u64, net->casts_debt + ns, CASTS_DEBT_NS);
}

static enum hrtimer_restart rest_is_over(struct hrtimer *timer)
{
	struct shmnet_net *net = container_of(timer, struct shmnet_net, rest_timer);

	if (cpu_is_wanted() && local_clock() < net->rest_until) {
		hrtimer_forward_now(timer, ns_to_ktime(REST_STEP_NS));
		return HRTIMER_RESTART;
	}
	/* A poll that still sees it true ends at once, and NAPI runs it again for this. */
	WRITE_ONCE(net->resting, false);
	napi_schedule_irqoff(&net->napi);
	return HRTIMER_NORESTART;
}

void shmnet_moderation_init(struct shmnet_net *net)
{
	hrtimer_init(&net->rest_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED);
	net->rest_timer.function = rest_is_over;
}

/* When NAPI is disabled: it shall not begin with a rest. */
void shmnet_moderation_stop(struct shmnet_net *net)
{
	hrtimer_cancel(&net->rest_timer);
	WRITE_ONCE(net->resting, false);
	WRITE_ONCE(net->casts_resting, false);
	net->window_frames = 0;
}
