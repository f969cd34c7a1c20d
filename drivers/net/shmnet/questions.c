// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose connection it is: asked of all nodes, by a command frame, when a packet comes that begins
 * none and the connection table does not know. So connections go on when another entry takes over,
 * and when the one that they came in by has started anew. Whoever has a socket of it says so;
 * meanwhile its packets wait, a few of them and not for long. Who has none says nothing: silence
 * may be a lost frame, or a node that gets no processor. When several packets have waited in vain,
 * those who have none are asked to say so; and what all of them have denied, this node refuses.
 *
 * Fragments wait here, too, for the first of their packet, which may come later, or by another
 * entry: for its pin. Nobody is asked for these.
 */
#include "shmnet.h"

#include <linux/slab.h>
#include <net/tcp.h>

/* Questions that are remembered, and packets of each that wait. */
#define QUESTIONS_MAX	1024
#define PACKETS_MAX	8
/* A packet of 65,535 bytes in frames of 1,500 has so many. */
#define FRAGMENTS_MAX	45
/* Jiffies: that packets wait, until it is asked again, and until a question is forgotten. */
#define PATIENCE	(HZ / 50 ?: 1)
#define REPEAT		(HZ / 125 ?: 1)
#define FORGOTTEN	(5 * HZ)
/*
 * The round in which all are asked to answer, and for how long it must have been asked until it is
 * refused, in jiffies: a node that has just come does not know all others yet.
 */
#define ROUNDS		3
#define REFUSED		HZ
/*
 * In a jiffy, of this node: a flood of packets is no flood of frames. Questions beyond it wait for
 * their turn, with their packets, since whole crowds come at once when an entry has started anew.
 */
#define QUESTIONS_RATE	(4000 / HZ ?: 1)
#define ANSWERS_RATE	(16000 / HZ ?: 1)
#define DENIALS_RATE	QUESTIONS_RATE

struct question {
	struct list_head list;
	struct hlist_node hashed;
	struct shmnet_flow flow;
	struct sk_buff_head packets;
	unsigned long first;	/* jiffies: the first round */
	unsigned long begun;	/* since its turn has come in this round, or the last one */
	u32 round;		/* from 1 */
	u32 asked;		/* times, in this round */
	u64 denied;		/* bit by slot: that node, or one before it, has none */
	bool waits;		/* for an answer */
};

/* So many in a jiffy. Not exact where several count. */
static bool may(struct shmnet_allowance *allowance, u32 rate)
{
	unsigned long now = jiffies;

	if (allowance->jiffy != now) {
		allowance->jiffy = now;
		allowance->used = 0;
	}
	return allowance->used++ < rate;
}

static struct hlist_head *bucket_of(struct shmnet_questions *questions,
				    const struct shmnet_flow *flow)
{
	u64 hash = shmnet_flows_hash(questions->net->flows->core, flow);

	return &questions->buckets[hash % ARRAY_SIZE(questions->buckets)];
}

/* Under the lock. */
static struct question *find(struct shmnet_questions *questions, const struct shmnet_flow *flow)
{
	struct question *question;

	hlist_for_each_entry(question, bucket_of(questions, flow), hashed)
		if (!memcmp(question->flow.key, flow->key, sizeof(flow->key)))
			return question;
	return NULL;
}

static bool is_of_fragments(const struct question *question)
{
	return question->flow.kind == SHMNET_FLOW_FRAGMENT;
}

/* Under the lock. If it is its turn. */
static void ask(struct shmnet_questions *questions, struct question *question)
{
	struct shmnet_command_flow told;

	if (!may(&questions->asked, QUESTIONS_RATE))
		return;
	if (!question->asked) {
		question->begun = jiffies;
		shmnet_count(&questions->counters, flows_asked);
	}
	shmnet_flow_tell(&question->flow, &told);
	shmnet_cast_flow(questions->net,
			 question->round < ROUNDS ? SHMNET_COMMAND_ASK : SHMNET_COMMAND_ASK_ALL,
			 &told);
	question->asked++;
}

/* Under the lock. It has no packets. */
static void forget(struct shmnet_questions *questions, struct question *question)
{
	list_del(&question->list);
	hlist_del(&question->hashed);
	questions->count--;
	kfree(question);
}

/* Under the lock; its packets go to @packets. */
static void end(struct shmnet_questions *questions, struct question *question,
		struct sk_buff_head *packets)
{
	skb_queue_splice_tail_init(&question->packets, packets);
	forget(questions, question);
}

/* Under the lock. The oldest one that waits for no answer makes room. */
static void make_room(struct shmnet_questions *questions)
{
	struct question *question;

	list_for_each_entry(question, &questions->list, list)
		if (!question->waits) {
			forget(questions, question);
			return;
		}
}

/* Under the lock. NULL: too many, or no memory. */
static struct question *add(struct shmnet_questions *questions, const struct shmnet_flow *flow)
{
	struct question *question;

	if (questions->count == QUESTIONS_MAX)
		make_room(questions);
	if (questions->count == QUESTIONS_MAX)
		return NULL;
	question = kzalloc(sizeof(*question), GFP_ATOMIC);
	if (!question)
		return NULL;
	question->flow = *flow;
	question->first = jiffies;
	__skb_queue_head_init(&question->packets);
	list_add_tail(&question->list, &questions->list);
	hlist_add_head(&question->hashed, bucket_of(questions, flow));
	questions->count++;
	return question;
}

/* Under the lock. The question that the connection's packets wait for; NULL: none can be asked. */
static struct question *begin(struct shmnet_questions *questions, const struct shmnet_flow *flow)
{
	struct question *question = find(questions, flow);

	if (question && question->waits)
		return question;
	question = question ?: add(questions, flow);
	if (!question)
		return NULL;
	list_move_tail(&question->list, &questions->list);
	question->begun = jiffies;
	question->round++;
	question->asked = 0;
	question->waits = true;
	if (!is_of_fragments(question))
		ask(questions, question);
	mod_timer(&questions->timer, jiffies + 1);
	return question;
}

static u32 packets_max(const struct question *question)
{
	return is_of_fragments(question) ? FRAGMENTS_MAX : PACKETS_MAX;
}

/* The queue of packets whose connection is not known. Under its lock. */
netdev_tx_t shmnet_ask_xmit(struct shmnet_net *net, struct sk_buff *skb)
{
	struct shmnet_questions *questions = net->questions;
	struct question *question;
	struct shmnet_flow flow;

	if (!shmnet_flow_of(skb, &flow)) {
		shmnet_drop(skb, &questions->counters, invalid);
		return NETDEV_TX_OK;
	}
	spin_lock_bh(&questions->lock);
	question = begin(questions, &flow);
	if (question && skb_queue_len(&question->packets) < packets_max(question))
		__skb_queue_tail(&question->packets, skb);
	else
		shmnet_drop(skb, &questions->counters, unknown);
	spin_unlock_bh(&questions->lock);
	return NETDEV_TX_OK;
}

/* Under the lock. */
static void drop(struct shmnet_questions *questions, struct sk_buff_head *packets)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(packets)))
		shmnet_drop(skb, &questions->counters, unknown);
}

/* They find their connection in the table now. No lock is held. */
static void send(struct sk_buff_head *packets)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(packets)))
		dev_queue_xmit(skb);
}

/*
 * Nobody has it: it is this node's, which refuses it. Remembered as one that was reset, for as long
 * as that is: whoever makes packets up leaves nothing behind that lasts.
 */
static void give_up(struct shmnet_questions *questions, struct question *question,
		    struct sk_buff_head *packets)
{
	struct shmnet_net *net = questions->net;
	struct shmnet_flow_target own = { net->device->slot, net->device->incarnation };

	shmnet_count(&questions->counters, flows_refused);
	question->flow.tcp_flags = TCPHDR_RST;
	shmnet_flow_remember(net->flows, &question->flow, &own);
	end(questions, question, packets);
}

/*
 * Whether all others that take part have said so: of one that shows no life nobody knows. That a
 * connection which only begins is nobody's needs no witness; nor may who gives none keep it away.
 */
static bool nobody_has(const struct shmnet_questions *questions, const struct question *question)
{
	const struct shmnet_net *net = questions->net;
	u32 slot;

	if (shmnet_flow_is_first(&question->flow))
		return true;
	for (slot = 0; slot < net->device->info.nodes; slot++)
		if (!shmnet_is_own(net, slot) && !(question->denied & BIT_ULL(slot)) &&
		    shmnet_active_incarnation(net, slot))
			return false;
	return true;
}

/* What a question comes to as time passes. True: it waits for an answer. */
static bool go_on(struct shmnet_questions *questions, struct question *question,
		  struct sk_buff_head *packets)
{
	unsigned long age = jiffies - question->begun;
	bool fragments = is_of_fragments(question);
	struct shmnet_flow_target target;

	if (!question->waits) {
		if (age >= FORGOTTEN)
			forget(questions, question);
		return false;
	}
	if (fragments && shmnet_pin_find(questions->net, &question->flow, &target)) {
		end(questions, question, packets);
		return false;
	}
	if (!fragments && !question->asked) {
		ask(questions, question);
		return true;
	}
	if (!fragments && question->round >= ROUNDS && jiffies - question->first >= REFUSED &&
	    nobody_has(questions, question)) {
		give_up(questions, question, packets);
		return false;
	}
	if (age >= PATIENCE) {
		question->waits = false;
		drop(questions, &question->packets);
		return false;
	}
	if (!fragments && age >= question->asked * REPEAT)
		ask(questions, question);
	return true;
}

static void tick(struct timer_list *timer)
{
	struct shmnet_questions *questions = from_timer(questions, timer, timer);
	struct question *question, *next;
	struct sk_buff_head packets;
	bool waits = false;

	__skb_queue_head_init(&packets);
	spin_lock(&questions->lock);
	list_for_each_entry_safe(question, next, &questions->list, list)
		waits |= go_on(questions, question, &packets);
	if (questions->count)
		mod_timer(&questions->timer, jiffies + (waits ? 1 : HZ));
	spin_unlock(&questions->lock);
	send(&packets);
}

/* Another node asks, who has it or @all. NAPI. */
void shmnet_asked(struct shmnet_net *net, const struct shmnet_command_flow *told, bool all)
{
	struct shmnet_questions *questions = net->questions;

	if (!shmnet_is_global(net) || !may(&questions->answered, ANSWERS_RATE))
		return;
	if (shmnet_has_socket(net, told))
		shmnet_cast_flow(net, SHMNET_COMMAND_HAVE, told);
	else if (all && may(&questions->denied, DENIALS_RATE))
		shmnet_cast_flow(net, SHMNET_COMMAND_HAVE_NOT, told);
}

/* The node of @target says whether it has it. What was not asked is not heard. NAPI. */
void shmnet_answered(struct shmnet_net *net, const struct shmnet_command_flow *told,
		     const struct shmnet_flow_target *target, bool has)
{
	struct shmnet_questions *questions = net->questions;
	struct question *question;
	struct sk_buff_head packets;
	struct shmnet_flow flow;

	if (!shmnet_is_global(net) || !target->incarnation ||
	    shmnet_active_incarnation(net, target->node) != target->incarnation)
		return;
	shmnet_flow_hear(told, &flow);
	__skb_queue_head_init(&packets);
	spin_lock(&questions->lock);
	question = find(questions, &flow);
	if (question && !has) {
		question->denied |= BIT_ULL(target->node);
	} else if (question) {
		shmnet_count(&questions->counters, flows_found);
		shmnet_flow_remember(net->flows, &question->flow, target);
		end(questions, question, &packets);
	}
	spin_unlock(&questions->lock);
	send(&packets);
}

int shmnet_questions_create(struct shmnet_net *net)
{
	struct shmnet_questions *questions = kvzalloc(sizeof(*questions), GFP_KERNEL);

	if (!questions)
		return -ENOMEM;
	questions->net = net;
	spin_lock_init(&questions->lock);
	INIT_LIST_HEAD(&questions->list);
	timer_setup(&questions->timer, tick, 0);
	net->questions = questions;
	return 0;
}

/* Nothing is sent or received any more: what waits is dropped. */
void shmnet_questions_flush(struct shmnet_net *net)
{
	struct shmnet_questions *questions = net->questions;
	struct question *question, *next;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&questions->lock);
	list_for_each_entry_safe(question, next, &questions->list, list)
		end(questions, question, &packets);
	drop(questions, &packets);
	spin_unlock_bh(&questions->lock);
	/* It begins itself only while there are questions. */
	del_timer_sync(&questions->timer);
}

void shmnet_questions_destroy(struct shmnet_net *net)
{
	kvfree(net->questions);
	net->questions = NULL;
}
