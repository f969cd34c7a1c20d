// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Packets from outside, of which more and more is there: nothing beyond is read, what is asked for is
 * there in the end, and the answer is that of the whole packet.
 */
#include "flow.hh"
#include "input.hh"

#include <algorithm>
#include <memory>

using namespace shmnet;
using namespace shmnet::fuzz;

namespace {

/* With memory of exactly so many bytes, so that the sanitizer sees one too far. */
Flow parse(const u8* packet, u32 available, u32 total)
{
	auto there = std::make_unique<u8[]>(available);
	std::copy_n(packet, available, there.get());
	return FlowParser(there.get(), available, total).parse();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size)
{
	auto total = static_cast<u32>(size);
	const Flow whole = parse(data, total, total);
	SHMNET_MUST(whole.kind != FlowKind::Short);
	u32 available = 0;
	for (Flow flow = parse(data, 0, total);; flow = parse(data, available, total)) {
		if (flow.kind != FlowKind::Short) {
			SHMNET_MUST(flow.kind == whole.kind && flow.tcp_flags == whole.tcp_flags);
			SHMNET_MUST(flow.kind == FlowKind::Malformed || flow.key == whole.key);
			SHMNET_MUST(flow.is_first_part == whole.is_first_part);
			break;
		}
		SHMNET_MUST(flow.needed > available && flow.needed <= total);
		available = flow.needed;
	}
	if (!whole.key.fragment)
		SHMNET_MUST(reversed(reversed(whole.key)) == whole.key);
	SHMNET_MUST((whole.kind == FlowKind::Fragment) <= whole.key.fragment);
	SHMNET_MUST(!whole.is_first_part || !whole.key.fragment);
	return 0;
}
