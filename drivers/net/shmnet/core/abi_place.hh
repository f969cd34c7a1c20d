/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Constructs in memory that the caller brought; a part of abi.cc, where there is no <new>. */
#pragma once

#include <stddef.h>

inline void* operator new(size_t, void* place) noexcept
{
	return place;
}
