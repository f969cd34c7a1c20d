/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who owns a slot: docs/protocol.md, section 3, as drivers/net/shmnet/core/directory.hh does it.
 * Machines look for a slot (S, 3.1 step 1 and 2), watch it if it is their own and claimed (W), claim
 * it (C), clear and fill their part (P), run (R), leave (L), find that they were robbed and join
 * again; the hub (H) witnesses ends of machines (3.2). What nodes then do with their rings is in
 * connection.pml.
 *
 * A d_step is one access to shared memory with the private work around it. Any process may be held
 * up between two of them for as long as the others like. One machine may crash, between any two of
 * its steps, and boots again. One machine may freeze: from then on the others may find that it shows
 * no life for a detection period, while it goes on at any step. One that is not frozen does show
 * life within that time. Memory is sequentially consistent here. Incarnations do not wrap.
 *
 *	SLOTS, MACHINES
 *	LIVES		how often a machine joins: after a crash, a leave, or having been robbed
 *	TWINS		machines 0 and 1 have one identity
 *	COLLISION	machines 0 and 1 have two identities with one tag
 *
 * MUTANT_x leaves out what keeps a property, which the check must then find violated.
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef MACHINES
#define MACHINES 2
#endif
#ifndef LIVES
#define LIVES 2
#endif
#define NOBODY 255

#if defined(TWINS)
#define TAG(machine) ((machine) == 0 -> 1 : (machine))
#define IDENTITY(machine) TAG(machine)
#elif defined(COLLISION)
#define TAG(machine) ((machine) == 0 -> 1 : (machine))
#define IDENTITY(machine) ((machine) + 1)
#else
#define TAG(machine) ((machine) + 1)
#define IDENTITY(machine) TAG(machine)
#endif

/* A claim: incarnation, tag, claimed. */
#define CLAIM(incarnation, tag) ((incarnation) << 3 | (tag) << 1 | 1)
#define INCARNATION(claim) ((claim) >> 3)
#define TAG_OF(claim) ((claim) >> 1 & 3)
#define CLAIMED(claim) ((claim) & 1)

/* The region. */
byte claim[SLOTS];
byte witness[SLOTS]; /* the incarnation that is dead */
byte entry_incarnation[SLOTS];
byte entry_identity[SLOTS];
byte entry_peer[SLOTS];

/* The doorbell's peer ids: one for each boot of a machine. */
#define PEER(machine, boots) ((machine) * 2 + (boots) + 1)
byte ended; /* the peer id whose process has ended, and the hub has not heard of yet */

/* What an onlooker knows. */
byte owner[SLOTS] = NOBODY; /* machine that claimed it last */
byte believes[MACHINES];    /* the slot that a machine takes for its own, and 1 */
bool robbed[MACHINES];      /* it is wrong, and has not looked yet */
byte watches[MACHINES];     /* the slot that a machine watches and has not seen beat, and 1 */
bool over[MACHINES];
byte frozen = NOBODY;
byte dead = NOBODY;

/* A machine writes to the part of a slot only if it is the owner, or the robbed one until it looks. */
#define WRITES(slot, me) assert(owner[slot] == me || robbed[me])

/* The machine that a watcher waits for: it owns the slot, runs, and is not frozen. */
#define SHOWS_LIFE(slot) (owner[slot] != NOBODY && believes[owner[slot]] == slot + 1 && \
			  frozen != owner[slot])

inline claimed_by(i, me)
{
	m = 0;
	do
	:: m < MACHINES ->
		if
		:: m != me && believes[m] == i + 1 ->
			/* Only from one that is frozen, and only by what bears the same tag. */
			assert(robbed[m] || (frozen == m && TAG(m) == TAG(me)));
			robbed[m] = true
		:: else
		fi;
		m++
	:: else -> break
	od;
	m = 0;
	owner[i] = me;
	believes[me] = i + 1;
	robbed[me] = false
}

#define FORGET i = 0; found = 0; word = 0; fresh = 0; left = 0; gone = 0; incarnation = 0; m = 0

proctype machine(byte me)
{
	byte at = 1, life = 0, boots = 0, i, found, word, incarnation, m;
	/* The first slot of each kind that the search saw, and 1. */
	byte fresh, left, gone, gone_word, left_word;

again:
	do
	/* S: 3.1 step 1, one's own, before step 2, the others. */
	:: d_step {
		at == 1 && i < SLOTS ->
		word = claim[i];
		if
		:: word != 0 && TAG_OF(word) == TAG(me) -> at = 11
		:: word == 0 -> fresh = (fresh == 0 -> i + 1 : fresh); i++
		:: word != 0 && TAG_OF(word) != TAG(me) && !CLAIMED(word) -> at = 13
		:: word != 0 && TAG_OF(word) != TAG(me) && CLAIMED(word) -> at = 12
		fi }
	:: d_step {
		at == 11 ->
		if
		:: entry_incarnation[i] == INCARNATION(word) && entry_identity[i] != IDENTITY(me) ->
			at = (CLAIMED(word) -> 12 : 13)
		:: else ->
			found = word;
#ifdef MUTANT_NO_WATCH
			at = 3
#else
			at = (CLAIMED(word) -> 2 : 3)
#endif
		fi }
	:: d_step {
		at == 12 ->
#ifdef MUTANT_SUSPICION_PASSES_ON
		if
		:: witness[i] == INCARNATION(word) || !SHOWS_LIFE(i) ->
#else
		if
		:: witness[i] == INCARNATION(word) ->
#endif
			gone = i + 1; gone_word = word
		:: else
		fi;
		i++; at = 1 }
	:: d_step {
		at == 13 ->
		if
		:: left == 0 -> left = i + 1; left_word = word
		:: else
		fi;
		i++; at = 1 }
	:: d_step {
		at == 1 && i >= SLOTS ->
		if
		:: fresh -> i = fresh - 1; found = 0; at = 3
		:: !fresh && left -> i = left - 1; found = left_word; at = 3
		:: !fresh && !left && gone -> i = gone - 1; found = gone_word; at = 3
		:: else ->
			/*
			 * Full. With colliding tags it may look so to one who looks while another moves
			 * from slot to slot.
			 */
#ifndef COLLISION
			assert(MACHINES > SLOTS);
#endif
			at = 9
		fi;
		fresh = 0; left = 0; gone = 0; left_word = 0; gone_word = 0 }

	/* W: does it show life within a detection period? */
	:: d_step { at == 2 -> fresh = 0; left = 0; gone = 0; left_word = 0; gone_word = 0; word = 0;
		watches[me] = i + 1; at = 21 }
	:: d_step {
		at == 21 && (watches[me] == 0 || claim[i] != found || !SHOWS_LIFE(i)) ->
		/* In use: refuses to start. */
		at = (watches[me] == 0 || claim[i] != found -> 9 : 3);
		watches[me] = 0 }

	/* C: compare and swap. */
	:: d_step {
		at == 3 ->
		word = 0; fresh = 0; left = 0; gone = 0; left_word = 0; gone_word = 0;
		if
#ifdef MUTANT_CLAIM_STORED
		:: true ->
#else
		:: claim[i] == found ->
#endif
#ifdef MUTANT_SAME_INCARNATION
			incarnation = (found == 0 -> 1 : INCARNATION(found));
#else
			incarnation = INCARNATION(found) + 1;
#endif
			claim[i] = CLAIM(incarnation, TAG(me));
			claimed_by(i, me);
			at = 4
#ifndef MUTANT_CLAIM_STORED
		:: else -> i = 0; at = 1
#endif
		fi;
		found = 0 }

	/* P: the entry is nobody's, the part is cleared, the entry filled, and shown. */
	:: d_step { at == 4 -> WRITES(i, me); entry_incarnation[i] = 0; at = 41 }
	:: d_step { at == 41 -> WRITES(i, me); entry_peer[i] = 0; entry_identity[i] = 0; at = 42 }
	:: d_step {
		at == 42 ->
		WRITES(i, me);
		entry_identity[i] = IDENTITY(me); entry_peer[i] = PEER(me, boots);
		at = 43 }
	:: d_step { at == 43 -> WRITES(i, me); entry_incarnation[i] = incarnation; at = 5 }

	/* R: beats, and looks whether claim and entry are what it put there. */
	:: d_step {
		at == 5 ->
		WRITES(i, me);
		m = 0;
		do
		:: m < MACHINES -> watches[m] = (watches[m] == i + 1 -> 0 : watches[m]); m++
		:: else -> break
		od;
		m = 0;
		at = 51 }
	:: d_step {
		at == 51 ->
#ifdef MUTANT_NEVER_LOOKS
		at = 52;
#else
		at = (claim[i] == CLAIM(incarnation, TAG(me)) -> 52 : 8);
#endif
		if
		/* Whoever looked and found all well is the owner at that moment. */
		:: at == 52 -> assert(owner[i] == me)
		:: else
		fi }
	:: d_step { at == 52 -> at = (entry_incarnation[i] == incarnation -> 5 : 8) }

	/* L: closes rings, sets its networks down; then the claim. */
	:: d_step { at == 5 -> WRITES(i, me); at = 6 }
	:: d_step {
		at == 6 ->
		word = claim[i];
		at = (INCARNATION(word) == incarnation -> 61 : 8) }
	:: d_step {
		at == 61 ->
		if
		:: claim[i] == word -> claim[i] = claim[i] - 1; believes[me] = 0
		:: else
		fi;
#ifdef MUTANT_WRITES_AFTER_LEAVE
		at = 62;
#else
		at = 8;
#endif
		word = 0 }
#ifdef MUTANT_WRITES_AFTER_LEAVE
	:: d_step { at == 62 -> WRITES(i, me); at = 8 }
#endif

	/* It has stopped, by itself or robbed, and may join again. */
	:: d_step {
		at == 8 ->
		believes[me] = 0; robbed[me] = false;
		FORGET;
		life++;
		at = (life < LIVES -> 1 : 9) }
	:: d_step { at == 9 -> over[me] = true; FORGET; life = 0 ; at = 10 }
	:: at == 10 -> break
	od unless { d_step {
		dead == me ->
		dead = NOBODY;
		ended = PEER(me, boots);
		boots++;
		believes[me] = 0; robbed[me] = false; watches[me] = 0;
		FORGET; gone_word = 0; left_word = 0;
		life++;
		at = (life < LIVES -> 1 : 9) } };
	if
	:: at != 10 -> goto again
	:: else
	fi
}

#ifdef MUTANT_HUB_BLIND
#define NAMES(peer, incarnation, claim) ((peer) == ended)
#else
#define NAMES(peer, incarnation, claim) ((peer) == ended && (incarnation) == INCARNATION(claim))
#endif

/* H: the slots whose entry, of the claim's incarnation, names the process that has ended. */
proctype hub()
{
	byte i, word;

end:
	ended != 0;
	do
	:: i < SLOTS ->
		word = claim[i];
		d_step {
			if
			:: CLAIMED(word) && NAMES(entry_peer[i], entry_incarnation[i], word)
			:: else -> word = 0
			fi };
		d_step {
			if
			:: word != 0 -> witness[i] = INCARNATION(word)
			:: else
			fi;
			i++ }
	:: else -> break
	od
}

proctype crash()
{
	byte m;

	if
	:: d_step { !over[0] -> dead = 0 }
	:: d_step { !over[1] -> dead = 1 }
#if MACHINES > 2
	:: d_step { !over[2] -> dead = 2 }
#endif
	:: over[0] && over[1] && over[MACHINES - 1]
	fi
}

proctype freeze()
{
	if
	:: d_step { !over[0] -> frozen = 0 }
	:: d_step { !over[1] -> frozen = 1 }
#if MACHINES > 2
	:: d_step { !over[2] -> frozen = 2 }
#endif
	:: over[0] && over[1] && over[MACHINES - 1]
	fi
}

init
{
	byte i = 0;
	atomic {
		do
		:: i < MACHINES -> run machine(i); i++
		:: else -> break
		od;
		run crash();
		run freeze();
		run hub()
	}
}
