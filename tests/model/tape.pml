/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The tape of docs/protocol.md, section 5, as drivers/net/shmnet/core/tape.hh does it. Steps bear
 * the numbers of 5.1 (W1 ... W7) and the order of 5.2 (R...).
 *
 * A d_step is one access to shared memory with the private work around it. Any process may be held
 * up between two of them for as long as the others like: that is the node that freezes, is
 * overtaken and goes on. One writer may crash, between any two of its steps. Memory is
 * sequentially consistent here; fences and weaker orders are the business of tests/explore
 * (docs/memory-ordering.md).
 *
 * Small: an arena has two lines, a cast takes one or two of them. A line that a cast covers with
 * its second half keeps the header that was there, as if the payload looked just like it: the
 * worst that payload can do. The first cast starts in line 1, as if one line had been cast before.
 * Of a header, position and length are one word. Sequences do not wrap.
 *
 *	NODES	writers; node i has a reader too, if i < READERS. It outlives a crash of its writer
 *	CASTS	that writer 0 writes; OTHERS: that each of the others writes (as many)
 *	SLOTS	of the tape, a power of two; at least one for each cast that may be in W6 at once (a
 *		region has two for each node). With 2 of them, 3/4 SLOTS is 2
 *	LATE	readers start at any time, not with the tape
 *	SLEEP	readers sleep until their doorbell rings; else they look without end
 *	TRIES	after which a writer drops its cast
 *	REJOIN	the crashed writer comes back as the next incarnation and casts once more
 *
 * MUTANT_x leaves out what keeps a property, which the check must then find violated.
 */
#ifndef NODES
#define NODES 2
#endif
#ifndef CASTS
#define CASTS 2
#endif
#ifndef OTHERS
#define OTHERS CASTS
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef READERS
#define READERS NODES
#endif
#ifndef TRIES
#define TRIES 4
#endif

#define ARENA 2
#define STRIDE 8 /* of an incarnation: its first position, 2^32 in the region */
#define LAST (CASTS + (NODES - 1) * OTHERS + 1)
#define NOBODY 255

/* A slot's word: sequence, writer, place. */
#define WORD(sequence, writer, line) ((sequence) << 3 | (writer) << 1 | (line))
#define SEQUENCE(word) ((word) >> 3)
#define WRITER(word) ((word) >> 1 & 3)
#define LINE(word) ((word) & 1)
#define AT(writer, line) ((writer) * ARENA + (line))
#define PLACE(word) AT(WRITER(word), LINE(word))

/* The region. */
byte head;
byte slot[SLOTS];
byte reserved[NODES];
byte incarnation[NODES] = 1;
byte header_sequence[NODES * ARENA];
byte header_position[NODES * ARENA]; /* with the length: a cast is as long as its position says */
byte payload[NODES * ARENA];
bool armed[NODES];
bool bell[NODES];

/* What an onlooker knows. */
byte cast[LAST + 1]; /* by sequence: the cast that was published under it */
byte last;           /* sequence published */
byte finished;       /* writers that write no more */
byte dead = NOBODY;
bool crashed;
bool done[NODES];

/* Casts are told apart by writer and number; every second one has two lines. */
#define CAST(writer, number) (1 + (writer) * (CASTS + 1) + (number))
/* One that rejoined casts once more. */
#define CASTS_OF(me, incarnation) ((me == 0 -> CASTS : OTHERS) + (incarnation) - 1)

/* The tape is in order, without a gap, and each sequence is given once: for all readers the same. */
inline published(sequence, what)
{
	assert(cast[sequence] == 0);
	assert(sequence == last + 1);
	cast[sequence] = what;
	last = sequence
}

/* Private words that say nothing any more; so that states that differ in them alone are one. */
#define FORGET s = 0; h = 0; n = 0; tries = 0; found = 0; ahead = 0; bound = 0

proctype writer(byte me)
{
	byte at = 1, number = 0, length, line, position = STRIDE + 1;
	byte s, h, tries, bound, n;
	byte found;
	short ahead;

again:
	do
	/* W1, W2: a place, and its reserve. */
	:: d_step {
		at == 1 && number < CASTS_OF(me, incarnation[me]) ->
		length = 1 + number % 2;
		line = position % ARENA;
		if
		:: line + length > ARENA -> position = position + ARENA - line; line = 0
		:: else
		fi;
#ifndef MUTANT_RESERVE_LATE
		reserved[me] = position + length;
#endif
		at = 2 }
	:: d_step {
		at == 2 ->
#ifndef MUTANT_SEQUENCE_KEPT
		header_sequence[AT(me, line)] = 0;
#endif
		at = 3 }
	/* W3: frame, then header. */
	:: d_step { at == 3 -> payload[AT(me, line)] = CAST(me, number); at = (length == 2 -> 31 : 32) }
	:: d_step { at == 31 -> payload[AT(me, line + 1)] = CAST(me, number); at = 32 }
	:: d_step {
		at == 32 ->
		header_position[AT(me, line)] = position + (length - 1) * 64;
#ifdef MUTANT_RESERVE_LATE
		reserved[me] = position + length;
#endif
		at = 4; tries = 0 }
	/* W4: the slot. */
	:: d_step {
		at == 4 ->
		s = (head == 0 -> 1 : head);
		/* What head does not show yet is stepped over; this many tries nobody else is owed. */
		bound = s;
		at = 41 }
	:: d_step {
		at == 41 ->
		found = slot[s % SLOTS];
		ahead = SEQUENCE(found) - s;
#ifdef MUTANT_OVERTAKEN
		ahead = (ahead > 0 -> -1 : ahead);
#endif
		/*
		 * A try that does not publish is owed to a cast that another put there, and each of
		 * those costs two at most: a compare that fails, and a step over it.
		 */
		assert(tries <= 2 * (last + 1 - bound));
		tries++;
		if
		:: tries > TRIES -> at = 8
		:: else ->
			if
#ifdef MUTANT_TWO_STEPS
			:: found & 128 -> skip
			:: (found & 128) == 0 && ahead == 0 -> s++; found = 0
			:: (found & 128) == 0 && ahead > 0 -> at = 42
#else
			:: ahead == 0 -> s++; found = 0
			:: ahead > 0 -> at = 42
#endif
			:: else -> at = 5
			fi
		fi }
	:: d_step {
		at == 42 ->
		if
		:: SEQUENCE(slot[(s - 1) % SLOTS]) - (s - 1) == ahead ->
			s = s + ahead + 1; at = 41; found = 0; ahead = 0
		:: else -> at = 43
		fi }
	:: d_step {
		at == 43 ->
		h = (head == 0 -> 1 : head);
		/* Nobody scribbles here: the slot does not lie. */
		assert(h > s);
		s = h; h = 0; at = 41; found = 0; ahead = 0 }
	/* W5: publish. */
	:: d_step { at == 5 -> header_sequence[AT(me, line)] = s; at = 51 }
#ifdef MUTANT_TWO_STEPS
	/* As with a lock: the slot is taken first, and others wait until it is filled. */
	:: d_step {
		at == 51 ->
		at = 41;
		if
		:: slot[s % SLOTS] == found && (found & 128) == 0 -> slot[s % SLOTS] = found | 128; at = 52
		:: else
		fi }
	:: d_step {
		at == 52 ->
		slot[s % SLOTS] = WORD(s, me, line); published(s, CAST(me, number)); at = 6 }
#else
	:: d_step {
		at == 51 ->
		if
#ifdef MUTANT_PLAIN_STORE
		:: true ->
#else
		:: slot[s % SLOTS] == found ->
#endif
			slot[s % SLOTS] = WORD(s, me, line);
			published(s, CAST(me, number));
			at = 6; tries = 0; bound = 0
#ifndef MUTANT_PLAIN_STORE
		:: else -> at = 41
#endif
		fi;
		found = 0; ahead = 0 }
#endif
	/* W6: head. */
	:: d_step { at == 6 -> h = head; n = 0; at = (h < s + 1 -> 61 : 7) }
	:: d_step {
		at == 61 ->
		n++;
		assert(n <= LAST);
		if
#ifdef MUTANT_HEAD_STORE
		:: true -> head = s + 1; at = 7; n = 0
#else
		:: head == h -> head = s + 1; at = 7; n = 0
		:: else -> h = head; at = (h < s + 1 -> 61 : 7); n = (h < s + 1 -> n : 0)
#endif
		fi }
	/* W7: doorbells. */
#ifndef SLEEP
	:: d_step { at == 7 -> at = 8 }
#else
	:: d_step {
		at == 7 ->
		if
		:: n < READERS && n != me && armed[n] -> bell[n] = true
		:: else
		fi;
		n++;
		at = (n >= READERS -> 8 : 7) }
#endif
	/* Published, or dropped. */
	:: d_step {
		at == 8 ->
		position = position + length; number++;
		at = 1; FORGET }
	:: d_step { at == 1 && number >= CASTS_OF(me, incarnation[me]) -> at = 9; done[me] = true; finished++ }
	:: at == 9 -> break
	od unless { d_step { dead == me -> FORGET; at = 0 } };

	if
#ifdef REJOIN
	:: d_step {
		at == 0 && incarnation[me] == 1 ->
		/* 3.1, as far as tapes see it: the entry is nobody's, the part is cleared, the entry. */
		incarnation[me] = 0; dead = NOBODY };
		d_step { reserved[me] = 0; armed[me] = false };
		d_step { incarnation[me] = 2; position = 2 * STRIDE + 1; number = CASTS_OF(me, 1); at = 1 };
		goto again
	:: d_step { at == 0 && incarnation[me] == 2 -> finished++ }
#else
	:: d_step { at == 0 -> finished++ }
#endif
	:: at == 9
	fi
}

proctype crash()
{
	if
	:: d_step { !done[0] -> dead = 0; crashed = true }
#if NODES > 1
	:: d_step { !done[1] -> dead = 1; crashed = true }
#endif
#if NODES > 2
	:: d_step { !done[2] -> dead = 2; crashed = true }
#endif
	:: finished == NODES
	fi
}

proctype reader(byte me)
{
	/* Sequences delivered, missed and its own, and 1: as many as it went past, at any time. */
	byte counted = 1;
	byte r = 1, w, h, position, first, second;
	bool again, ticked;
#ifdef LATE
	byte at = 1;
#else
	byte at = 2;
#endif

	do
#ifdef LATE
	:: d_step { at == 1 -> r = (head == 0 -> 1 : head); counted = r; at = 2 }
#endif
	:: d_step {
		at == 2 ->
		assert(counted == r);
		w = slot[r % SLOTS];
		if
		:: SEQUENCE(w) == r && WRITER(w) == me -> r++; counted++; w = 0; again = false
		:: SEQUENCE(w) == r && WRITER(w) != me -> at = 3; again = false
		:: else -> at = 6
		fi }
	/* R, equal: the header is copied and checked, ... */
	:: d_step {
		at == 3 ->
		at = (header_sequence[PLACE(w)] == r -> 31 : 5) }
	:: d_step {
		at == 31 ->
		position = header_position[PLACE(w)];
		at = (position % ARENA == LINE(w) -> 32 : 5) }
	/* ... the frame is copied, ... */
	:: d_step {
		at == 32 ->
		first = payload[PLACE(w)]; second = first;
		/* A length beyond the arena's end fails the check of the header. */
		at = (position / 64 == 0 -> 4 : (LINE(w) == 0 -> 33 : 5)) }
	:: d_step { at == 33 -> second = payload[PLACE(w) + 1]; at = 4 }
	/* ... and stands only if reserve, sequence and incarnation say so afterwards. */
	:: d_step {
		at == 4 ->
		position = position % 64;
		at = 41;
#ifndef MUTANT_RESERVE_UNSEEN
		if
		:: reserved[WRITER(w)] < position || reserved[WRITER(w)] - position > ARENA -> at = 5
		:: else
		fi
#endif
		}
	:: d_step {
		at == 41 ->
#ifdef MUTANT_SEQUENCE_UNSEEN
		at = 42;
#else
		at = (header_sequence[PLACE(w)] == r -> 42 : 5);
#endif
		}
	:: d_step {
		at == 42 ->
		if
		:: incarnation[WRITER(w)] != position / STRIDE -> at = 5
		:: else ->
			/* Whole, and what was put on the tape under r. */
			assert(first == second);
			assert(first == cast[r]);
			counted++;
			r++;
			at = 2; w = 0; position = 0; first = 0; second = 0
		fi }
	:: d_step {
		at == 5 ->
		counted++; r++;
		at = 2; w = 0; position = 0; first = 0; second = 0 }
	/* R, behind or ahead: head tells. */
	:: d_step {
		at == 6 ->
		h = (head == 0 -> 1 : head);
		if
		:: h > r && (SEQUENCE(w) > r || h - r > SLOTS) ->
#ifdef MUTANT_LAPPED_STAYS
			at = 7
#else
			/* Lapped. */
			second = h - (SLOTS - SLOTS / 4);
			first = (h > SLOTS && second > r -> second - r : 1);
#ifndef MUTANT_LAPPED_UNCOUNTED
			counted = counted + first;
#endif
			r = r + first;
			first = 0; second = 0; at = 2
#endif
		:: h > r && !(SEQUENCE(w) > r || h - r > SLOTS) -> at = 61
		:: h <= r -> at = 7
		fi;
		w = 0; h = 0 }
	:: d_step {
		at == 61 ->
		/* Nobody scribbles here: the slot is written by now, and once is enough. */
		assert(SEQUENCE(slot[r % SLOTS]) >= r);
		assert(!again);
		again = true; at = 2 }
	/* Nothing there. Nobody scribbles here, so head is not far behind. */
#ifndef SLEEP
	:: d_step {
		at == 7 && !ticked ->
		assert(r - (head == 0 -> 1 : head) <= SLOTS || head > r);
		ticked = finished == NODES; at = 2 }
	:: d_step { at == 7 && ticked ->
#else
	:: d_step {
		at == 7 ->
		assert(r - (head == 0 -> 1 : head) <= SLOTS || head > r);
		armed[me] = true;
#ifdef MUTANT_SLEEP_AT_ONCE
		at = 73
#else
		at = 71
#endif
		}
	/* One more look. */
	:: d_step {
		at == 71 ->
		w = slot[r % SLOTS];
		at = (SEQUENCE(w) == r -> 74 : (SEQUENCE(w) > r -> 72 : 73));
		w = 0 }
	:: d_step { at == 72 -> at = (head > r -> 74 : 73) }
	/* Asleep. The tick is needed only by what a crash left without a doorbell. */
	:: d_step { at == 73 && bell[me] -> bell[me] = false; at = 74 }
	:: d_step { at == 74 -> armed[me] = false; at = 2 }
	:: d_step { at == 73 && !bell[me] && finished == NODES && crashed && !ticked ->
		ticked = true; at = 74 }
	:: d_step { at == 73 && !bell[me] && finished == NODES && !(crashed && !ticked) ->
#endif
		/* All was read, or counted; its own casts ring no doorbell. */
		do
		:: r <= last -> assert((cast[r] - 1) / (CASTS + 1) == me); r++
		:: else -> break
		od;
		at = 9 }
	:: at == 9 -> break
	od
}

init
{
	byte i = 0;
	atomic {
		do
		:: i < NODES ->
			run writer(i);
			if
			:: i < READERS -> run reader(i)
			:: else
			fi;
			i++
		:: else -> break
		od;
		run crash()
	}
}
