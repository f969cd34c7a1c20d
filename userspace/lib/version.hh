/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The version that the programs name; the region's is SHMNET_VERSION. */
#pragma once

#define SHMNET_PROGRAM_VERSION "0.1.0"
