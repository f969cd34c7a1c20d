// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What user space reads from the attributes of the module's messages. */
#include "input.hh"
#include "messages.hh"

#include <memory>

using namespace shmnet;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size)
{
	/* Not a byte more than there is, so that the address sanitizer sees one too far. */
	auto bytes = std::make_unique<u8[]>(size);
	memcpy(bytes.get(), data, size);
	Attributes attributes(reinterpret_cast<nlattr*>(bytes.get()), static_cast<int>(size));
	(void)read_device(attributes);
	(void)read_node(attributes);
	(void)read_counters(attributes);
	(void)read_ring(attributes);
	(void)read_tape(attributes);
	(void)read_flow(attributes);
	(void)read_offer(attributes);
	(void)read_explanation(attributes);
	(void)read_event(attributes);
	return 0;
}
