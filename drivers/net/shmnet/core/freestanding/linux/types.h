/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the uapi headers need of <linux/types.h>, for the one C++ object of the module: it sees no
 * kernel header. User space takes the system's own.
 */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;

#endif
