// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "doorbells.hh"

#include <sys/eventfd.h>

namespace shmnet::hub {

namespace {

UniqueFd make_eventfd()
{
	return UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

} // namespace

std::shared_ptr<Doorbells> Doorbells::create(u32 id, u32 vectors, bool fronts)
{
	std::shared_ptr<Doorbells> doorbells(new Doorbells(id));
	for (u32 i = 0; i < vectors; i++) {
		Line line;
		line.doorbell = make_eventfd();
		if (fronts)
			line.front = make_eventfd();
		if (!line.doorbell || (fronts && !line.front))
			return nullptr;
		doorbells->lines_.push_back(std::move(line));
	}
	return doorbells;
}

std::shared_ptr<Doorbells> Doorbells::restore(u32 id, FdStore& store)
{
	std::shared_ptr<Doorbells> doorbells(new Doorbells(id));
	while (UniqueFd doorbell = store.take(FdStore::doorbell(id, doorbells->vectors()))) {
		UniqueFd front = store.take(FdStore::front(id, doorbells->vectors()));
		doorbells->lines_.push_back({std::move(doorbell), std::move(front)});
	}
	return doorbells->vectors() ? doorbells : nullptr;
}

void Doorbells::store(FdStore& store) const
{
	for (u32 i = 0; i < vectors(); i++) {
		store.store(FdStore::doorbell(id_, i), lines_[i].doorbell.get());
		if (lines_[i].front)
			store.store(FdStore::front(id_, i), lines_[i].front.get());
	}
}

void Doorbells::ring(u32 vector) const
{
	/* Fails only when the count is full, and then the receiver is being rung already. */
	if (vector < vectors())
		(void)eventfd_write(lines_[vector].doorbell.get(), 1);
}

void Doorbells::silence() const
{
	eventfd_t count;
	for (const Line& line : lines_)
		(void)eventfd_read(line.doorbell.get(), &count);
}

} // namespace shmnet::hub
