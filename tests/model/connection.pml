/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The connections of pair rings: docs/protocol.md, 4.1 to 4.3, and what 3.1 and 3.2 do to them, as
 * drivers/net/shmnet/core/{producer,consumer,directory}.hh do it. Node 0 sends to each of the
 * others; a direction says nothing to the other one. Steps: O1 ... O4 and A (adopt) of 4.1; S of
 * 4.2; R of 4.3; J of joining again (3.1).
 *
 * A d_step is one access to shared memory with the private work around it. Any process may be held
 * up between two of them for as long as the others like. One node may crash, between any two of its
 * steps. An end may take a node for dead that is merely held up, SUSPICIONS times, and sees later
 * that it lives. What a tick looks at is looked at whenever it differs: a tick that finds all as it
 * was does nothing. Memory is sequentially consistent here. Neither epochs nor indexes wrap.
 *
 * Small: a pool of POOL buffers, a ring of as many descriptors, frames of one descriptor. Of a
 * descriptor there are two words, buffer and the rest. consumed only says when a sender may
 * forget a frame; a buffer in hand means room (4.3), and it is left out.
 *
 *	NODES
 *	FRAMES		that node 0 sends to each
 *	SUSPICIONS	of one end about the other that is alive, in all
 *	CRASH		the node that may crash; ANY
 *	REJOIN		it comes back as the next incarnation
 *
 * MUTANT_x leaves out what keeps a property, which the check must then find violated.
 */
#ifndef NODES
#define NODES 2
#endif
#ifndef FRAMES
#define FRAMES 2
#endif
#ifndef SUSPICIONS
#define SUSPICIONS 1
#endif
#ifndef POOL
#define POOL 2
#endif
#define RINGS (NODES - 1)
#define NOBODY 255

/* Epoch and index; epoch and incarnation. */
#define EPOCH(incarnation, count) ((incarnation) * 8 + (count))
#define WORD(epoch, index) ((epoch) << 3 | (index))
#define EPOCH_OF(word) ((word) >> 3)
#define INDEX_OF(word) ((word) & 7)
#define AT(ring, index) ((ring) * POOL + (index) % POOL)
#define BIT(buffer) (1 << (buffer))

/* The region: of each node; of the sender, by ring; of the receiver, by ring. */
byte claim[NODES];
byte entry[NODES];
byte produced[RINGS];
byte refused[RINGS];
byte descriptor_buffer[RINGS * POOL];
byte descriptor_frame[RINGS * POOL]; /* epoch and index of the frame; 0: no pieces */
byte payload[RINGS * POOL];	     /* likewise */
byte open[RINGS];
byte granted[RINGS];
byte grants[RINGS * POOL];

/* Private to the ends, and seen by the onlooker. */
byte sender_epoch[RINGS]; /* 0: not connected */
byte owned[RINGS];	  /* bits: the sender may fill it */
byte receiver_epoch[RINGS];
byte out[RINGS]; /* bits: granted, and not come back */

byte dead = NOBODY;
bool ended[NODES]; /* crashed, and stays so */
byte suspicions = SUSPICIONS;

/* No buffer is both ends' in one epoch. */
#define ONE_OWNER(ring) \
	assert(sender_epoch[ring] == 0 || sender_epoch[ring] != receiver_epoch[ring] || \
	       (owned[ring] & ~out[ring]) == 0)

/* 3.2: the incarnation that lives there, 0 for none; a crash that stays is witnessed. */
#define LIVING(node) (claim[node] == entry[node] && !ended[node] -> claim[node] : 0)

/* 4.1: what a sender adopts. */
#ifdef MUTANT_ANY_INCARNATION
#define MEANT(word) true
#else
#define MEANT(word) (INDEX_OF(word) == incarnation)
#endif
#ifdef MUTANT_EPOCH_ADOPTED_TWICE
#define FRESH(word, ring) true
#else
#define FRESH(word, ring) (EPOCH_OF(word) != last[ring])
#endif

proctype sender()
{
	byte at = 1, i, word, n, buffer, incarnation = 1;
	byte last[RINGS], adopted[RINGS], index[RINGS], taken[RINGS], sent[RINGS];
	bool distrusted[RINGS];

#define RING_TASKS(ring) \
	:: d_step { at == 1 && sender_epoch[ring] == 0 && !distrusted[ring] && open[ring] != 0 && \
		    MEANT(open[ring]) && LIVING(ring + 1) != 0 && \
		    (FRESH(open[ring], ring) || refused[ring] != last[ring]) -> \
		i = ring; at = 2 } \
	:: d_step { at == 1 && sender_epoch[ring] != 0 && open[ring] != adopted[ring] -> \
		i = ring; at = 3 } \
	:: d_step { at == 1 && sender_epoch[ring] != 0 && suspicions > 0 -> \
		suspicions--; distrusted[ring] = true; i = ring; at = 3 } \
	:: d_step { at == 1 && distrusted[ring] && !ended[ring + 1] -> distrusted[ring] = false } \
	:: d_step { at == 1 && sender_epoch[ring] != 0 && \
		    EPOCH_OF(granted[ring]) == sender_epoch[ring] && \
		    INDEX_OF(granted[ring]) != taken[ring] -> i = ring; at = 4 } \
	:: d_step { at == 1 && sender_epoch[ring] != 0 && owned[ring] != 0 && sent[ring] < FRAMES -> \
		i = ring; at = 5 }

again:
	do
	RING_TASKS(0)
#if RINGS > 1
	RING_TASKS(1)
#endif
	/* A: adopts what is open, if it is meant for this incarnation and was not left before. */
	:: d_step {
		at == 2 ->
		word = open[i];
		if
		:: word == 0 || !MEANT(word) -> at = 1; word = 0
		:: word != 0 && MEANT(word) && !FRESH(word, i) -> at = 21; word = 0
		:: word != 0 && MEANT(word) && FRESH(word, i) ->
			sender_epoch[i] = EPOCH_OF(word); last[i] = sender_epoch[i]; adopted[i] = word;
			owned[i] = 0; index[i] = 0; taken[i] = 0; word = 0;
			at = 22
		fi }
	:: d_step { at == 21 -> refused[i] = last[i]; at = 1 }
	:: d_step { at == 22 -> produced[i] = WORD(sender_epoch[i], 0); at = 1 }

	/* Leaves the connection. */
	:: d_step {
		at == 3 ->
		refused[i] = sender_epoch[i]; sender_epoch[i] = 0; owned[i] = 0;
		at = 1 }

	/* S: takes grants, each once. */
	:: d_step {
		at == 4 ->
		word = granted[i];
		at = (EPOCH_OF(word) == sender_epoch[i] -> 41 : 1);
		word = (at == 41 -> INDEX_OF(word) : 0) }
	:: d_step {
		at == 41 ->
		buffer = grants[AT(i, taken[i])];
		if
		:: owned[i] & BIT(buffer) -> at = 42
		:: else ->
			owned[i] = owned[i] | BIT(buffer);
			ONE_OWNER(i);
			taken[i]++;
			at = (taken[i] == word -> 1 : 41);
			word = (at == 1 -> 0 : word)
		fi;
		buffer = 0 }
	/* A grant twice is a fault, unless the receiver has gone on to another connection. */
	:: d_step { at == 42 -> assert(open[i] != adopted[i]); word = 0; at = 3 }

	/* S: fills a buffer, then its descriptor, then shows it. */
	:: d_step {
		at == 5 ->
		buffer = (owned[i] & 1 -> 0 : 1);
		payload[AT(i, buffer)] = WORD(sender_epoch[i], index[i]);
		at = 51 }
#ifdef MUTANT_PRODUCED_FIRST
	:: d_step { at == 51 -> produced[i] = WORD(sender_epoch[i], index[i] + 1); at = 52 }
#else
	:: d_step { at == 51 -> at = 52 }
#endif
	:: d_step { at == 52 -> descriptor_buffer[AT(i, index[i])] = buffer; at = 53 }
	:: d_step {
		at == 53 ->
		descriptor_frame[AT(i, index[i])] = WORD(sender_epoch[i], index[i]);
		owned[i] = owned[i] & ~BIT(buffer);
		buffer = 0; at = 54 }
	:: d_step {
		at == 54 ->
		index[i]++; sent[i]++;
		produced[i] = WORD(sender_epoch[i], index[i]);
		at = 1 }
	od unless { d_step {
		dead == 0 ->
		dead = NOBODY; at = 0;
		i = 0; word = 0; n = 0; buffer = 0 } };

	/* What was private is gone. */
	d_step {
		do
		:: i < RINGS ->
			sender_epoch[i] = 0; owned[i] = 0; last[i] = 0; adopted[i] = 0; index[i] = 0;
			taken[i] = 0; sent[i] = 0; distrusted[i] = false; i++
		:: else -> break
		od;
		i = 0 };
#ifdef REJOIN
	/* J: claim; entry, producers, descriptors; entry. */
#ifndef MUTANT_SAME_INCARNATION
	incarnation++;
#endif
	d_step { claim[0] = incarnation };
	d_step { entry[0] = 0 };
	do
	:: i < RINGS -> d_step { produced[i] = 0 }; d_step { refused[i] = 0; i++ }
	:: else -> break
	od;
	i = 0;
#ifdef MUTANT_DESCRIPTORS_CLEARED
	/* A receiver that has not yet seen the crash may be copying one. */
	do
	:: i < RINGS * POOL -> d_step { descriptor_buffer[i] = 0 }; d_step { descriptor_frame[i] = 0; i++ }
	:: else -> break
	od;
	i = 0;
#endif
	entry[0] = incarnation;
	at = 1;
	goto again
#else
	ended[0] = true
#endif
}

/* The receiver of ring me is node me + 1. */
proctype receiver(byte me)
{
	byte at = 1, incarnation = 1, count, peer, opened, next, end, granted_, buffer, frame;
	bool distrusted;

again:
	do
	/* 3.2: who lives there, as the tick sees it. */
	:: d_step { at == 1 && !distrusted && LIVING(0) != peer -> at = 11 }
	:: d_step { at == 1 && !distrusted && peer != 0 && suspicions > 0 ->
		suspicions--; distrusted = true; peer = 0;
#ifdef MUTANT_FENCED_BY_PEER
		claim[0] = 0;
#endif
		at = 12 }
	:: d_step { at == 1 && distrusted && !ended[0] -> distrusted = false }
	:: d_step { at == 11 -> peer = claim[0]; at = 111 }
	:: d_step {
		at == 111 ->
		peer = (entry[0] == peer && !ended[0] -> peer : 0);
		at = 12 }
	/* O1: closed, */
	:: d_step {
		at == 12 ->
#ifndef MUTANT_NOT_CLOSED
		open[me] = 0;
#endif
		receiver_epoch[me] = 0; out[me] = 0; opened = 0; next = 0; end = 0; granted_ = 0;
		at = (peer == 0 -> 1 : 13) }
	/* O2: another epoch, */
	:: d_step {
		at == 13 ->
#ifdef MUTANT_EPOCH_REUSED
		count = 1;
#else
		count++;
		if
		:: EPOCH(incarnation, count) == EPOCH_OF(produced[me]) -> count++
		:: else
		fi;
#endif
		/* However often one suspects, refuses and joins, it ends. */
		assert(count <= 2 + 2 * SUSPICIONS + 1);
		receiver_epoch[me] = EPOCH(incarnation, count);
		out[me] = BIT(POOL) - 1;
		at = 14 }
	/* O3: grants of what it does not hold, */
	:: d_step {
		at == 14 ->
		grants[AT(me, granted_)] = granted_;
		granted_++;
		at = (granted_ == POOL -> 15 : 14) }
	:: d_step { at == 15 -> granted[me] = WORD(receiver_epoch[me], granted_); at = 16 }
	/* O4: open. */
	:: d_step { at == 16 -> opened = WORD(receiver_epoch[me], peer); open[me] = opened; at = 1 }

	/* Refused. */
#ifndef MUTANT_REFUSED_UNSEEN
	:: d_step { at == 1 && receiver_epoch[me] != 0 && refused[me] == receiver_epoch[me] -> at = 12 }
#endif

	/* R: what is produced in this epoch, */
	:: d_step {
		at == 1 && receiver_epoch[me] != 0 && INDEX_OF(produced[me]) != next &&
#ifdef MUTANT_ANY_EPOCH
		true ->
#else
		EPOCH_OF(produced[me]) == receiver_epoch[me] ->
#endif
		end = INDEX_OF(produced[me]);
		/* Too far ahead, or behind: a fault as below. */
		at = ((end + 8 - next) % 8 > POOL -> 26 : 2) }
	:: d_step { at == 26 -> assert(claim[0] != peer); at = 12 }
	/* its descriptor, */
	:: d_step { at == 2 -> buffer = descriptor_buffer[AT(me, next)]; at = 21 }
	:: d_step { at == 21 -> frame = descriptor_frame[AT(me, next)]; at = 22 }
	:: d_step {
		at == 22 ->
		if
		:: frame == 0 || !(out[me] & BIT(buffer)) ->
			/* A fault: an honest sender is the cause only by joining anew. */
			assert(claim[0] != peer);
			at = 12; buffer = 0
		:: else ->
			out[me] = out[me] & ~BIT(buffer);
			ONE_OWNER(me);
#ifdef MUTANT_GRANTED_EARLY
			at = 24
#else
			at = 23
#endif
		fi;
		frame = 0 }
	/* its bytes: */
	:: d_step {
		at == 23 ->
		/* what was sent in this epoch, in its order. */
		assert(payload[AT(me, buffer)] == WORD(receiver_epoch[me], next));
		next++;
#ifdef MUTANT_GRANTED_EARLY
		at = (next == end -> 1 : 2); buffer = 0;
#else
		at = 24
#endif
		}
	/* its buffer back. */
	:: d_step {
		at == 24 ->
		grants[AT(me, granted_)] = buffer;
		out[me] = out[me] | BIT(buffer);
		granted_++;
		at = 25 }
	:: d_step {
		at == 25 ->
		granted[me] = WORD(receiver_epoch[me], granted_);
#ifdef MUTANT_GRANTED_EARLY
		at = 23
#else
		at = (next == end -> 1 : 2); buffer = 0;
#endif
		}
	od unless { d_step {
		dead == me + 1 ->
		dead = NOBODY; at = 0;
		receiver_epoch[me] = 0; out[me] = 0; distrusted = false;
		count = 0; peer = 0; opened = 0; next = 0; end = 0; granted_ = 0; buffer = 0; frame = 0 } };
#ifdef REJOIN
	/* J: claim; entry, consumers, grants; entry. */
#ifndef MUTANT_SAME_INCARNATION
	incarnation++;
#endif
	d_step { claim[me + 1] = incarnation };
	d_step { entry[me + 1] = 0 };
	d_step { open[me] = 0 };
	d_step { granted[me] = 0 };
	do
	:: count < POOL -> d_step { grants[me * POOL + count] = 0; count++ }
	:: else -> break
	od;
	count = 0;
	entry[me + 1] = incarnation;
	at = 1;
	goto again
#else
	ended[me + 1] = true
#endif
}

proctype crash()
{
	if
	:: dead = 0
	:: dead = 1
#if NODES > 2
	:: dead = 2
#endif
	:: skip
	fi
}

#define CONNECTED(ring) \
	(ended[0] || ended[ring + 1] || \
	 (sender_epoch[ring] != 0 && sender_epoch[ring] == receiver_epoch[ring]))

/* When nobody has anything left to do, all that live are connected. */
proctype onlooker()
{
	timeout ->
	assert(CONNECTED(0));
#if RINGS > 1
	assert(CONNECTED(1));
#endif
	assert(!(ended[0] && receiver_epoch[0] != 0));
end:
	false
}

init
{
	byte i = 0;
	atomic {
		do
		:: i < NODES -> claim[i] = 1; entry[i] = 1; i++
		:: else -> break
		od;
		run sender();
		i = 0;
		do
		:: i < RINGS -> run receiver(i); i++
		:: else -> break
		od;
		run crash();
		run onlooker()
	}
}
