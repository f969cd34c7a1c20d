/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The groups of docs/protocol.md, section 5.3, as drivers/net/shmnet/core/groups.hh and the looks of
 * a Follower there do it. Steps bear the names of core/steps.h (G1, G3); L are those of a look. To
 * tell others of a label (G2) makes them look sooner; here they look at any time, or late.
 *
 * A d_step is one access to shared memory with the private work around it, but for a cast, which
 * tape.pml has in full: here it is there, and head is past it, in one step. Any process may be held
 * up between two steps for as long as the others like; so a tape may look unused at any time, and a
 * node may miss labels that came and went. Writer 0 may crash, between any two of its steps.
 *
 * What must hold: a cast during whose sending nobody changes a label (but its own writer, to claim
 * a tape for it) is heard, once, by every other node that had joined the group and looked before.
 * And who changes a label changes the one that it saw.
 *
 * All readers are alike and know nothing of each other, so there is one; and whoever gives tapes
 * back, which any node may, is a process of its own.
 *
 *	WRITERS	CASTS: that each of them writes, each to any of two groups
 *	TAPES	besides the broadcast tape
 *	CHANGES	of labels, after which no tape is claimed or given back
 *	LATE	the reader joins the other group too, at any time
 *
 * MUTANT_x leaves out what keeps a property, which the check must then find violated.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef CASTS
#define CASTS 2
#endif
#ifndef TAPES
#define TAPES 1
#endif
#ifndef CHANGES
#define CHANGES 3
#endif

#define ALL (WRITERS * CASTS)
#define NOBODY 255

/* A label: group and epoch. Group 0: none. */
#define GROUP(label) ((label) & 3)
#define EPOCH(label) ((label) >> 2)
#ifdef MUTANT_NO_EPOCH
#define NEXT(label, group) (group)
#else
#define NEXT(label, group) (((label) & ~3) + 4 + (group))
#endif

/* The region: tape 0 is for broadcasts and for groups without a tape. */
byte label[TAPES + 1];
byte head[TAPES + 1];
byte tape[(TAPES + 1) * ALL]; /* casts */

/* Of the reader: what it has joined, a bit for each group. */
#define BIT(group) (1 << ((group) - 1))
byte joined;

/* What an onlooker knows. */
byte version[TAPES + 1]; /* changes of a label */
byte changes;            /* of all labels */
byte seen;               /* what was joined at the last look */
byte group_of[ALL];
bool owed[ALL];  /* the reader must hear this cast */
bool heard[ALL]; /* and has */
byte finished;   /* writers that write no more */
byte dead = NOBODY;

inline change(t, group)
{
	label[t] = NEXT(label[t], group);
	version[t]++;
	changes++
}

proctype writer(byte me)
{
	byte at = 1, number = 0, group, t, found, saw, since;
	bool listens;

	do
	:: at == 1 && number < CASTS ->
		if
		:: group = 1
		:: group = 2
		fi;
		/* Who has joined by now shall hear it, if labels stand from now on. */
		d_step {
			group_of[me * CASTS + number] = group;
			since = changes;
			listens = seen & BIT(group);
#ifdef MUTANT_REMEMBERED
			/* The tape of the first cast goes for those that follow. */
			at = (number > 0 && group_of[me * CASTS] == group -> 5 : 2);
			t = (at == 5 -> t : 1)
#else
			t = 1; at = 2
#endif
		}
	/* The group's tape. */
	:: d_step {
		at == 2 ->
		if
		:: GROUP(label[t]) == group -> at = 5
		:: else -> t++; at = (t > TAPES -> 3 : 2)
		fi }
	/* It has none: the broadcast tape, or a claim. */
	:: d_step { at == 3 -> t = 0; at = 5 }
	:: d_step { at == 3 && changes < CHANGES -> t = 1; at = 31 }
	:: d_step {
		at == 31 ->
		found = label[t]; saw = version[t];
		if
		:: GROUP(found) == 0 -> at = 32
		:: else -> t++; at = (t > TAPES -> 5 : 31); t = (t > TAPES -> 0 : t)
		fi }
	/* G1 */
	:: d_step {
		at == 32 ->
		if
#ifdef MUTANT_LABEL_STORED
		:: true ->
#else
		:: label[t] == found ->
#endif
			assert(version[t] == saw);
			since = (changes == since -> since + 1 : since);
			change(t, group);
			t = 1; at = 2
#ifndef MUTANT_LABEL_STORED
		:: else -> t = 0; at = 5
#endif
		fi;
		found = 0; saw = 0 }
	/* The cast. */
	:: d_step {
		at == 5 ->
		tape[t * ALL + head[t]] = me * CASTS + number;
		head[t]++;
		owed[me * CASTS + number] = listens && changes == since;
		number++;
		at = 1; group = 0; since = 0; listens = false; found = 0; saw = 0;
#ifndef MUTANT_REMEMBERED
		t = 0
#endif
		}
	:: at == 1 && number == CASTS -> break
	od unless { dead == me };
	finished++
}

/*
 * G3, of any node: it has seen twice what it takes for an unused tape. How long it looked does not
 * matter to what must hold.
 */
proctype releaser()
{
	byte t = 1, found, saw;

	do
	:: d_step { found = label[t]; saw = version[t] };
		d_step {
			if
			:: label[t] == found && GROUP(found) != 0 && changes < CHANGES ->
				assert(version[t] == saw);
				change(t, 0)
			:: else
			fi;
			found = 0; saw = 0
		}
	:: t = t % TAPES + 1
	od unless { finished == WRITERS }
}

/* Where the reader is on a tape. */
typedef Place {
	byte next;
	byte known;  /* the label at the last look */
	byte until;  /* up to here casts may be for us, whatever the label is now */
	bool reading
}

#define WAITS(t) (place[t].reading && place[t].next < head[t])
#if TAPES > 1
#define WAITS_2 WAITS(2)
#else
#define WAITS_2 false
#endif

proctype reader()
{
	Place place[TAPES + 1];
	byte at = 1, t, end, now, own, id;
	bool wanted, unsure, last_look;

	place[0].reading = true;
	do
	/* A tick or a doorbell; and once more when all has been written. */
	:: d_step {
		at == 1 && !last_look ->
		last_look = finished == WRITERS;
		own = joined; t = 1; at = 2 }
	/* L1: the end before the label, so what comes under a label that is not seen is behind it. */
#ifdef MUTANT_LABEL_FIRST
	:: d_step { at == 2 -> now = label[t]; at = 3 }
	:: d_step { at == 3 -> end = head[t]; at = 4 }
#else
	:: d_step { at == 2 -> end = head[t]; at = 3 }
	:: d_step { at == 3 -> now = label[t]; at = 4 }
#endif
	/*
	 * L2: the end once more, if the label is another: what has come by now may have come under the
	 * last, or under some that this node has not seen.
	 */
	:: d_step {
		at == 4 ->
		wanted = GROUP(now) != 0 && (own & BIT(GROUP(now)));
		unsure = (place[t].reading || wanted || EPOCH(now) != EPOCH(place[t].known) + 1);
#ifdef MUTANT_REST_UNREAD
		unsure = wanted;
#endif
#ifdef MUTANT_NEW_FROM_END
		unsure = place[t].reading;
#endif
#ifdef MUTANT_LAST_LABEL_ONLY
		unsure = place[t].reading || wanted;
#endif
		place[t].until = (now != place[t].known && unsure -> head[t] : place[t].until);
		if
		:: place[t].next < place[t].until -> wanted = true
		:: wanted && place[t].reading
#ifdef MUTANT_FROM_THE_START
		:: else -> place[t].next = 0
#else
		:: else -> place[t].next = end
#endif
		fi;
		place[t].reading = wanted; place[t].known = now;
		end = 0; now = 0; wanted = false; unsure = false;
		t++;
		at = (t > TAPES -> 1 : 2);
		seen = (t > TAPES -> own : seen);
		own = (t > TAPES -> 0 : own);
		t = (t > TAPES -> 0 : t) }
	/* A cast of any tape that is read. */
	:: d_step { at == 1 && WAITS(0) -> t = 0; at = 6 }
	:: d_step { at == 1 && WAITS(1) -> t = 1; at = 6 }
	:: d_step { at == 1 && WAITS_2 -> t = 2; at = 6 }
	:: d_step {
		at == 6 ->
		id = tape[t * ALL + place[t].next];
		place[t].next++;
		if
		:: joined & BIT(group_of[id]) -> assert(!heard[id]); heard[id] = true
		:: else
		fi;
		id = 0; t = 0; at = 1 }
#ifdef LATE
	:: d_step { at == 1 && !last_look && joined != 3 -> joined = 3 }
#endif
	:: d_step {
		at == 1 && last_look && !WAITS(0) && !WAITS(1) && !WAITS_2 ->
		for (id : 0 .. ALL - 1) { assert(!owed[id] || heard[id]) }
		at = 9 }
	:: at == 9 -> break
	od
}

init {
	if
	:: joined = 1
	:: joined = 3
	fi;
	seen = 0;
	atomic {
		byte n;
		for (n : 0 .. WRITERS - 1) { run writer(n) }
		n = 0;
		run releaser();
		run reader()
	};
	if
	:: dead = 0
	:: skip
	fi
}
