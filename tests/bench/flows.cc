// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * flows [COUNT]: what the connection table costs with so many flows (10 million), beside
 * std::unordered_map and DPDK's rte_hash: lookups at random, insertion, expiry, memory. Each lookup is
 * timed alone; what the clock costs is measured too and taken off. And what it takes to make the table of
 * a service that 64 nodes offer, and to give a flow to one of them. Prints JSON, times in nanoseconds.
 */
#include "service_table.hh"
#include "support/flow_table_memory.hh"
#include "support/services.hh"

#include <nlohmann/json.hpp>
#include <rte_eal.h>
#include <rte_hash.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <unordered_map>

using namespace shmnet;
using namespace shmnet::test;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr u32 LOOKUPS = 1'000'000;
constexpr u32 ROUNDS = 5;

double nanoseconds(Clock::duration time)
{
	return std::chrono::duration<double, std::nano>(time).count();
}

/* Of this process, resident, bytes. */
u64 memory_used()
{
	std::ifstream status("/proc/self/statm");
	u64 pages = 0;
	status >> pages >> pages;
	return pages * 4096;
}

u64 hash_words(const FlowKey& key)
{
	SipHash<> hash(SipKey{{1, 2}});
	const auto* words = reinterpret_cast<const aliasing_u64*>(&key);
	for (u32 i = 0; i < sizeof(key) / sizeof(u64); i++)
		hash.add(words[i]);
	return hash.end();
}

struct KeyHash {
	size_t operator()(const FlowKey& key) const { return hash_words(key); }
};

uint32_t rte_key_hash(const void* key, uint32_t, uint32_t)
{
	return static_cast<uint32_t>(hash_words(*static_cast<const FlowKey*>(key)));
}

/* The three tables, as this measures them. */
class Ours {
public:
	explicit Ours(u32 count) : table_(count, true) {}
	static const char* name() { return "shmnet"; }
	void insert(const FlowKey& key, u32 which)
	{
		table_.grow(64);
		table_->insert(key, {which % 64, 1}, FlowState::Established, 0);
	}
	bool find(const FlowKey& key)
	{
		FlowTarget target;
		return table_->find(key, {1, TCP_ACK}, target);
	}
	/* All of them, in slices; returns the longest slice's time. */
	double expire(u32 count, u32& removed)
	{
		double longest = 0;
		for (u32 done = 0; done < count + FlowTableHere::CHUNK_FLOWS; done += 256) {
			auto begin = Clock::now();
			removed += table_->collect(1u << 30, 256,
						   [](const FlowTarget&) { return true; });
			longest = std::max(longest, nanoseconds(Clock::now() - begin));
		}
		return longest;
	}

private:
	TestTable table_;
};

class UnorderedMap {
public:
	explicit UnorderedMap(u32) {}
	static const char* name() { return "std::unordered_map"; }
	void insert(const FlowKey& key, u32 which) { map_.emplace(key, FlowTarget{which % 64, 1}); }
	bool find(const FlowKey& key) { return map_.find(key) != map_.end(); }

private:
	std::unordered_map<FlowKey, FlowTarget, KeyHash> map_;
};

class RteHash {
public:
	explicit RteHash(u32 count)
	{
		rte_hash_parameters parameters = {};
		parameters.name = "flows";
		parameters.entries = count;
		parameters.key_len = sizeof(FlowKey);
		parameters.hash_func = rte_key_hash;
		parameters.extra_flag =
			RTE_HASH_EXTRA_FLAGS_EXT_TABLE | RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
		hash_ = rte_hash_create(&parameters);
		if (hash_ == nullptr)
			throw std::runtime_error("rte_hash_create failed");
	}
	RteHash(const RteHash&) = delete;
	RteHash& operator=(const RteHash&) = delete;
	~RteHash() { rte_hash_free(hash_); }
	static const char* name() { return "rte_hash"; }
	void insert(const FlowKey& key, u32 which)
	{
		rte_hash_add_key_data(
			hash_, &key,
			reinterpret_cast<void*>(static_cast<uintptr_t>(which % 64 + 1)));
	}
	bool find(const FlowKey& key)
	{
		void* data;
		return rte_hash_lookup_data(hash_, &key, &data) >= 0;
	}

private:
	rte_hash* hash_;
};

double clock_cost()
{
	std::vector<double> times(LOOKUPS);
	for (double& time : times) {
		auto begin = Clock::now();
		time = nanoseconds(Clock::now() - begin);
	}
	std::nth_element(times.begin(), times.begin() + LOOKUPS / 2, times.end());
	return times[LOOKUPS / 2];
}

template <typename Table> json lookups(Table& table, u32 count, u32 round)
{
	std::mt19937 random(round);
	std::vector<double> times(LOOKUPS);
	double clock = clock_cost();
	u32 found = 0;
	for (double& time : times) {
		FlowKey key = flow_key(random() % count);
		auto begin = Clock::now();
		found += table.find(key);
		time = std::max(0.0, nanoseconds(Clock::now() - begin) - clock);
	}
	if (found != LOOKUPS)
		throw std::runtime_error(std::string(Table::name()) + " lost a flow");
	std::sort(times.begin(), times.end());
	return {{"median", times[LOOKUPS / 2]}, {"p99", times[LOOKUPS / 100 * 99]}};
}

double median(std::vector<double> values)
{
	std::sort(values.begin(), values.end());
	return values[values.size() / 2];
}

double median_of(const json& rounds, const char* figure)
{
	std::vector<double> values;
	for (const json& round : rounds)
		values.push_back(round[figure]);
	return median(values);
}

template <typename Table> json measure(u32 count)
{
	std::fprintf(stderr, "flows: %s, %u flows\n", Table::name(), count);
	u64 before = memory_used();
	Table table(count);
	auto begin = Clock::now();
	for (u32 which = 0; which < count; which++)
		table.insert(flow_key(which), which);
	double inserted = nanoseconds(Clock::now() - begin) / count;
	json result = {{"insert", inserted},
		       {"bytes_per_flow", static_cast<double>(memory_used() - before) / count}};
	json rounds = json::array();
	for (u32 round = 0; round < ROUNDS; round++)
		rounds.push_back(lookups(table, count, round));
	result["lookup_median"] = median_of(rounds, "median");
	result["lookup_p99"] = median_of(rounds, "p99");
	if constexpr (std::is_same_v<Table, Ours>) {
		u32 removed = 0;
		begin = Clock::now();
		result["expiry_slice_longest"] = table.expire(count, removed);
		result["expiry"] = nanoseconds(Clock::now() - begin) / count;
		if (removed != count)
			throw std::runtime_error("not all flows expired");
	}
	return result;
}

/* Of a service that all nodes offer: the table, and by each way to balance a choice. */
json measure_services()
{
	constexpr u32 NODES = SHMNET_NODES_MAX, CHOICES = 10000;
	std::vector<u64> memory(ServiceTable::bytes(NODES) / sizeof(u64) + 1);
	json result;
	for (auto [name, balance] : {std::pair{"round robin", SHMNET_BALANCE_ROUND_ROBIN},
				     {"flow", SHMNET_BALANCE_FLOW},
				     {"source", SHMNET_BALANCE_SOURCE},
				     {"least", SHMNET_BALANCE_LEAST}}) {
		std::vector<double> made(101), chosen(made.size());
		for (size_t i = 0; i < made.size(); i++) {
			std::fill(memory.begin(), memory.end(), 0);
			auto begin = Clock::now();
			ServiceTable table(memory.data(), NODES, SipKey{{1, 2}}, 3);
			for (u32 node = 0; node < NODES; node++) {
				shmnet_service service = tcp_service(80, 1 + node % 7, balance);
				table.add(node, pack_index(1, 2), &service, 1);
			}
			made[i] = nanoseconds(Clock::now() - begin);
			ServiceEntry* entry = table.find(tcp_flow(80, 0));
			begin = Clock::now();
			for (u32 flow = 0; flow < CHOICES; flow++)
				if (!table.choose(*entry, tcp_flow(80, flow), ~u64{0}, NODES))
					throw std::runtime_error("a flow is given to nobody");
			chosen[i] = nanoseconds(Clock::now() - begin) / CHOICES;
		}
		result[name] = {{"made", median(made)}, {"chosen", median(chosen)}};
	}
	return result;
}

} // namespace

int main(int argc, char** argv)
{
	const char* eal[] = {
		argv[0], "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "--log-level=1",
		"-l",    "0",         "-m",       "4096",        nullptr};
	constexpr int EAL_ARGUMENTS = sizeof(eal) / sizeof(*eal) - 1;
	const u32 count = argc > 1 ? static_cast<u32>(std::stoul(argv[1])) : 10'000'000;
	try {
		json results = {{"flows", count}, {"services", measure_services()}};
		results["shmnet"] = measure<Ours>(count);
		results["std::unordered_map"] = measure<UnorderedMap>(count);
		if (rte_eal_init(EAL_ARGUMENTS, const_cast<char**>(eal)) < 0)
			throw std::runtime_error("DPDK does not start");
		results["rte_hash"] = measure<RteHash>(count);
		std::printf("%s\n", results.dump(2).c_str());
	} catch (const std::exception& error) {
		std::fprintf(stderr, "flows: %s\n", error.what());
		return 1;
	}
	return 0;
}
