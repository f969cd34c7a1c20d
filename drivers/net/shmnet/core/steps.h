/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Labelled steps: where a fault build (make module FAULTS=1) may have a node stand still, for good
 * or for a while. A normal build contains none of them.
 *
 * A name is that of a model (tests/model) and of a step there, with a number where the code has
 * several for one of the model's; N (an interface that comes up) and J (joining anew) are not
 * modelled. What a node that stands at a step will do next is said here. tests/faults has nodes
 * stand at each of them.
 */
#ifndef SHMNET_STEPS_H
#define SHMNET_STEPS_H

#define SHMNET_STEPS(X) \
	X(tape_W1)		/* store the arena's reserve */ \
	X(tape_W2)		/* void the header that was there */ \
	X(tape_W3_1)		/* copy the frame */ \
	X(tape_W3_2)		/* write the header */ \
	X(tape_W4)		/* look at a slot */ \
	X(tape_W5_1)		/* store the sequence in the header */ \
	X(tape_W5_2)		/* compare and swap the slot */ \
	X(tape_W6_1)		/* look at head */ \
	X(tape_W6_2)		/* compare and swap head */ \
	X(tape_W7_1)		/* ring the readers */ \
	X(tape_W7_2)		/* end, the readers having been rung */ \
	X(tape_R1)		/* copy the header that a slot names */ \
	X(tape_R2)		/* copy the frame */ \
	X(tape_R3)		/* look whether what was copied stood */ \
	X(tape_R4)		/* move on to the next slot */ \
	X(tape_R5)		/* ask for a doorbell */ \
	X(tape_R6)		/* look once more before sleeping */ \
	X(group_G1)		/* claim a tape for a group */ \
	X(group_G2)		/* tell the others of it */ \
	X(group_G3)		/* give a tape back */ \
	X(group_G4)		/* go on, the tape given back */ \
	X(membership_S)		/* look for a slot */ \
	X(membership_W)		/* watch the owner of a slot that bears the own identity */ \
	X(membership_C)		/* compare and swap the claim */ \
	X(membership_P1)	/* make the entry nobody's */ \
	X(membership_P2)	/* clear the entry */ \
	X(membership_P3)	/* clear the rings' words */ \
	X(membership_P4)	/* fill the entry */ \
	X(membership_P5)	/* store the doorbell's peer */ \
	X(membership_P6)	/* show the entry */ \
	X(membership_P7)	/* go on, the entry shown */ \
	X(membership_N1)	/* say the network's MTU */ \
	X(membership_N2)	/* say that the network is up, or down */ \
	X(membership_N3)	/* say hello */ \
	X(membership_R1)	/* beat */ \
	X(membership_R2)	/* look whether the slot is its own still */ \
	X(membership_R3)	/* end the tick, having looked at all others */ \
	X(membership_L1)	/* stop an interface */ \
	X(membership_L2)	/* close its rings */ \
	X(membership_L3)	/* say that it leaves */ \
	X(membership_L4)	/* look at the claim, to release it */ \
	X(membership_L5)	/* compare and swap the claim */ \
	X(membership_L6)	/* ring the others */ \
	X(membership_J1)	/* stop its interfaces: the slot is lost */ \
	X(membership_J2)	/* claim anew */ \
	X(membership_J3)	/* make its interfaces fit the new slot */ \
	X(membership_J4)	/* start them */ \
	X(connection_O1)	/* close the ring */ \
	X(connection_O2)	/* choose an epoch */ \
	X(connection_O3_1)	/* grant the second half of the buffers */ \
	X(connection_O3_2)	/* store consumed and granted */ \
	X(connection_O4_1)	/* store open */ \
	X(connection_O4_2)	/* ring the sender */ \
	X(connection_A1)	/* adopt what is open */ \
	X(connection_A2)	/* store produced */ \
	X(connection_A3)	/* go on, the ring adopted */ \
	X(connection_A4)	/* refuse, or leave */ \
	X(connection_S1)	/* look at granted */ \
	X(connection_S2)	/* take a grant */ \
	X(connection_S3)	/* copy the frame */ \
	X(connection_S4)	/* write the descriptors */ \
	X(connection_S5)	/* write a descriptor's second half */ \
	X(connection_S6)	/* store produced */ \
	X(connection_S7)	/* look whether the receiver sleeps */ \
	X(connection_S8)	/* ring the receiver */ \
	X(connection_S9)	/* look at consumed */ \
	X(connection_S10)	/* look once more before waiting until frames are read */ \
	X(connection_R1)	/* look at produced */ \
	X(connection_R2)	/* check a descriptor */ \
	X(connection_R3)	/* copy the frame */ \
	X(connection_R4)	/* grant its buffers */ \
	X(connection_R5)	/* store consumed */ \
	X(connection_R6)	/* store granted */ \
	X(connection_R7)	/* look whether the sender waits */ \
	X(connection_R8)	/* ring the sender */ \
	X(connection_R9)	/* ask for a doorbell */ \
	X(connection_R10)	/* look once more before sleeping */

enum shmnet_step {
#define SHMNET_STEP_NAME(name) SHMNET_STEP_##name,
	SHMNET_STEPS(SHMNET_STEP_NAME)
#undef SHMNET_STEP_NAME
	SHMNET_STEP_COUNT
};

#ifdef SHMNET_FAULT_BUILD
#ifdef __cplusplus
extern "C"
#endif
void shmnet_step(enum shmnet_step step); /* any context */
#define SHMNET_AT(name) shmnet_step(SHMNET_STEP_##name)
#else
#define SHMNET_AT(name) do { } while (0)
#endif

#endif
