// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "storm.hh"

#include "entry.hh"
#include "support/random.hh"

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <memory>

namespace shmnet::hostile {

using std::chrono::milliseconds;
using test::Random;

namespace {

constexpr milliseconds RECOVERY{5000};
/* A second has so many at most: what is more would only take the processor away. */
constexpr u64 WRITES_A_SECOND = 1000000;
constexpr u32 WRITES_A_TURN = 1000;
constexpr u64 QUESTIONS_A_SECOND = 200000;
constexpr u32 QUESTIONS_A_TURN = 100;

/* Waits until so many are no more than a second may have. */
class Pace {
public:
	explicit Pace(u64 a_second) : a_second_(a_second) {}

	void keep(u64 more)
	{
		done_ += more;
		std::this_thread::sleep_until(
			begin_ + std::chrono::microseconds(done_ * 1000000 / a_second_));
	}

private:
	u64 a_second_;
	u64 done_ = 0;
	Clock::time_point begin_ = Clock::now();
};

struct Range {
	u8* begin;
	u64 bytes;
};

/*
 * All that a peer can write to but the traffic of other pairs, and the words by which a node owns
 * its slot (claims, entries, witness): who writes there takes the node off the network, which
 * docs/threat-model.md says that it can.
 */
std::vector<Range> ranges_of(const Node& node, const std::vector<Link>& links)
{
	const Layout& layout = node.layout();
	const NetworkLayout& net = node.network();
	std::vector<Range> ranges = {
		{layout.base, 2 * SHMNET_PAGE},
		{layout.in_part<u8>(node.slot(), 0), layout.part_size},
	};
	for (u32 i = 0; i < layout.networks; i++)
		ranges.push_back({layout.base + layout.network[i].tape_offset,
				  layout.network[i].tapes * layout.network[i].tape_stride});
	auto add = [&](auto* begin, u64 count) {
		ranges.push_back({reinterpret_cast<u8*>(begin), count * sizeof(*begin)});
	};
	for (const Link& link : links) {
		add(link.out().consumer, 1);
		add(link.out().grants, net.ring);
		add(link.in().producer, 1);
		add(link.in().descriptors, net.ring);
		add(link.in().buffers + u64{link.in().first_buffer} * net.buffer_size,
		    u64{net.pool} * net.buffer_size);
	}
	return ranges;
}

class Scribble {
public:
	Scribble(Node& node, std::vector<Link>& links) : ranges_(ranges_of(node, links)) {}

	u64 turn()
	{
		for (u32 i = 0; i < WRITES_A_TURN; i++) {
			/* Small ranges as often as large ones: there are the words that count. */
			const Range& range =
				ranges_[random_.below(static_cast<u32>(ranges_.size()))];
			u64 word = random_.next() % (range.bytes / sizeof(u32));
			Memory::store_relaxed(reinterpret_cast<u32*>(range.begin) + word, value());
		}
		pace_.keep(WRITES_A_TURN);
		return WRITES_A_TURN;
	}

private:
	u32 value()
	{
		switch (random_.below(3)) {
		case 0:
			return static_cast<u32>(random_.next());
		case 1:
			return random_.below(4096);
		default:
			return 0 - random_.below(512);
		}
	}

	std::vector<Range> ranges_;
	Random random_{1};
	Pace pace_{WRITES_A_SECOND};
};

/*
 * Questions and answers, of connections that the victims have, and of others, which are all
 * different; and now and then what this node offers, told anew.
 */
class Questions {
public:
	Questions(Node& node, std::vector<Link>& links)
	{
		if (!node.has_global())
			throw std::runtime_error("there is no global network to ask on");
		for (Link& link : links)
			entries_.push_back(std::make_unique<Entry>(link, board_));
	}

	u64 turn()
	{
		for (u32 i = 0; i < QUESTIONS_A_TURN; i++)
			cast_one();
		pace_.keep(QUESTIONS_A_TURN);
		return QUESTIONS_A_TURN;
	}

private:
	static constexpr u32 TELLS_EVERY = 1024;

	void cast_one()
	{
		Entry& entry = *entries_[number_ % entries_.size()];
		u32 what = number_++ / static_cast<u32>(entries_.size());
		if (what % TELLS_EVERY == 0)
			entry.tell_own();
		shmnet_command_flow flow = entry.held();
		if (what & 1)
			memcpy(flow.source + 8, &number_, sizeof(number_));
		u8 type = what & 2 ? SHMNET_COMMAND_HAVE : SHMNET_COMMAND_ASK;
		entry.cast(entry.command(type, flow));
	}

	Board board_;
	std::vector<std::unique_ptr<Entry>> entries_;
	u32 number_ = 0;
	Pace pace_{QUESTIONS_A_SECOND};
};

/* A storm's turns; each returns how often it did it. */
using Turn = std::function<u64()>;

std::map<std::string, std::function<Turn(Node&, std::vector<Link>&)>> storms()
{
	return {
		/* To compare the others with: as busy, and of no effect. */
		{"nothing",
		 [](Node&, std::vector<Link>&) -> Turn {
			 auto own = std::make_shared<std::vector<u32>>(1 << 16);
			 return [own, at = 0u]() mutable {
				 at += 1000;
				 for (u32 i = 0; i < 1000; i++)
					 Memory::store_relaxed(&(*own)[(at + i) & 0xffff], i);
				 return u64{1000};
			 };
		 }},
		/* Likewise: what doorbells cost where no driver has anything to do with them. */
		{"unheard",
		 [](Node& node, std::vector<Link>&) -> Turn {
			 return [&node] { return node.ring_unheard(); };
		 }},
		{"doorbells",
		 [](Node& node, std::vector<Link>&) -> Turn {
			 return [&node] { return node.ring_everything(); };
		 }},
		{"commands",
		 [](Node& node, std::vector<Link>&) -> Turn {
			 return [&node, number = 0u]() mutable {
				 node.cast(node.command(SHMNET_COMMAND_HELLO, number++));
				 node.ring_all();
				 return u64{1};
			 };
		 }},
		{"questions",
		 [](Node& node, std::vector<Link>& links) -> Turn {
			 auto questions = std::make_shared<Questions>(node, links);
			 return [questions] { return questions->turn(); };
		 }},
		{"scribble",
		 [](Node& node, std::vector<Link>& links) -> Turn {
			 auto scribble = std::make_shared<Scribble>(node, links);
			 return [scribble] { return scribble->turn(); };
		 }},
	};
}

/* Of the first victim's ring to the second; not those of a connection that came to its end. */
u32 pieces_carried(const Node& node, const std::vector<Link>& links)
{
	if (links.size() < 2)
		return 0;
	RingPlaces ring =
		ring_places(node.layout(), {NETWORK, links[0].victim(), links[1].victim(), 0});
	return static_cast<u32>(Memory::load_relaxed(&ring.consumer->consumed));
}

} // namespace

std::string storm_names()
{
	std::string names;
	for (const auto& [name, storm] : storms())
		names += (names.empty() ? "" : ", ") + name;
	return names;
}

bool run_storms(const std::vector<std::string>& names, Node& node, std::vector<Link>& links,
		double seconds, double turn)
{
	auto all = storms();
	std::vector<Turn> turns;
	for (const std::string& name : names) {
		auto found = all.find(name);
		if (found == all.end())
			throw std::runtime_error("there is no storm " + name +
						 "; there are: " + storm_names());
		turns.push_back(found->second(node, links));
	}
	auto begin = Clock::now();
	auto end = begin + std::chrono::duration<double>(seconds);
	for (size_t i = 0; Clock::now() < end; i++) {
		size_t which = i % names.size();
		auto turn_end = std::min(end, Clock::now() + std::chrono::duration<double>(turn));
		u32 carried = pieces_carried(node, links);
		u64 done = 0;
		while (Clock::now() < turn_end)
			done += turns[which]();
		fmt::print("{}: {}, while {} pieces went from the first victim to the second\n",
			   names[which], done, pieces_carried(node, links) - carried);
	}
	node.join();
	bool good = true;
	for (Link& link : links) {
		link.renew();
		auto time = link.answered(RECOVERY);
		if (time)
			fmt::print("node {}: a good frame after {} ms\n", link.victim(),
				   time->count());
		else
			fmt::print("node {}: no answer any more\n", link.victim());
		good &= time.has_value();
	}
	return good;
}

} // namespace shmnet::hostile
