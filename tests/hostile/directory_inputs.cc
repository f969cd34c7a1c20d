// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "inputs.hh"
#include "support/random.hh"

#include <fmt/format.h>

#include <cstring>

namespace shmnet::hostile {

using fmt::format;
using test::Random;

namespace {

/* Sets a word, has the others look, and leaves it for long enough to be seen. */
template <typename T> void lie(Link& link, T* word, T value)
{
	Memory::store_release(word, value);
	link.node().ring_all();
	link.await_reaction();
}

/* B22, B26: this node's own entry and claim. */
void add_entry(Inputs& inputs)
{
	struct Field {
		const char* name;
		u32 offset;
	};
	const u32 networks = offsetof(shmnet_node, networks);
	const Field fields[] = {
		{"incarnation", offsetof(shmnet_node, incarnation)},
		{"peer", offsetof(shmnet_node, peer)},
		{"vectors", offsetof(shmnet_node, vectors)},
		{"device", offsetof(shmnet_node, device)},
		{"heartbeat", offsetof(shmnet_node, heartbeat)},
		{"state", networks + offsetof(shmnet_node_network, state)},
		{"mtu", networks + offsetof(shmnet_node_network, mtu)},
		{"capabilities", networks + offsetof(shmnet_node_network, capabilities)},
		{"capabilities, upper half",
		 networks + offsetof(shmnet_node_network, capabilities) + 4},
		{"cast_armed", networks + offsetof(shmnet_node_network, cast_armed)},
		{"cast_doorbell", networks + offsetof(shmnet_node_network, cast_doorbell)},
	};
	for (const Field& field : fields)
		for (u32 value : boundaries())
			inputs.push_back(
				{"B22", format("own {} = {:#x}", field.name, value),
				 [=](Link& link) {
					 u8* entry = reinterpret_cast<u8*>(link.node().entry());
					 lie(link, reinterpret_cast<u32*>(entry + field.offset),
					     value);
					 link.node().show();
				 }});
	for (u64 value : wide_boundaries())
		inputs.push_back({"B22", format("own claim = {:#x}", value), [value](Link& link) {
					  Node& node = link.node();
					  lie(link, &node.layout().claim(node.slot())->word,
					      u64{value});
					  node.show();
				  }});
	for (const char* name : {"", "%s%n%x", "\x1b[2J\n\t", "\xff\xfe"})
		inputs.push_back({"B10", format("own name, {} bytes again and again", strlen(name)),
				  [name](Link& link) {
					  shmnet_node* entry = link.node().entry();
					  for (u32 i = 0; i < sizeof(entry->name); i++)
						  entry->name[i] =
							  name[0] ? name[i % strlen(name)] : 'A';
					  link.node().ring_all();
					  link.await_reaction();
					  link.node().show();
				  }});
}

/* B22: changes that are legal, but without end. */
void add_changes(Inputs& inputs)
{
	inputs.push_back({"B22", "up and down 200 times", [](Link& link) {
				  auto* words = &link.node().entry()->networks[NETWORK];
				  for (u32 i = 0; i < 200; i++)
					  lie(link, &words->state,
					      u32{i % 2 ? SHMNET_STATE_UP : SHMNET_STATE_DOWN});
			  }});
	inputs.push_back({"B22", "capabilities come and go 1000 times", [](Link& link) {
				  auto* words = &link.node().entry()->networks[NETWORK];
				  u64 found = Memory::load_relaxed(&words->capabilities);
				  for (u32 i = 0; i < 1000; i++)
					  Memory::store_relaxed(&words->capabilities,
								i % 2 ? found : 0);
				  Memory::store_relaxed(&words->capabilities, found);
			  }});
	for (u32 times : {1, 5})
		inputs.push_back({"B22", format("joins anew {} times", times), [times](Link& link) {
					  for (u32 i = 0; i < times; i++)
						  link.node().join();
				  }});
}

/* B7, B9, B21: doorbells for nothing, hints for nothing, and none at all. */
void add_hints(Inputs& inputs)
{
	inputs.push_back({"B7", "2,000 doorbells of every vector", [](Link& link) {
				  for (u32 i = 0; i < 2000; i++)
					  link.node().ring_everything();
			  }});
	inputs.push_back({"B9", "10,000 doorbells of the directory", [](Link& link) {
				  for (u32 i = 0; i < 10000; i++)
					  link.node().ring_directory(link.victim());
			  }});
	for (u32 times : {1, 2})
		inputs.push_back(
			{"B21", format("{} frames without a doorbell", times), [times](Link& link) {
				 link.node().mute(true);
				 for (u32 i = 0; i < times; i++)
					 link.send(
						 link.arp_request(link.node().mac(link.victim())));
				 link.await_reaction();
				 link.node().mute(false);
			 }});
}

/* B24, B26: what the hub wrote, and slots that nobody has. Put back afterwards. */
void add_hub_words(Inputs& inputs)
{
	for (u32 word = 0; word < sizeof(shmnet_superblock) / sizeof(u64); word++)
		for (u64 value : {u64{0}, ~u64{0}, u64{1} << 63})
			inputs.push_back({"B24",
					  format("word {} of the superblock = {:#x}", word, value),
					  [=](Link& link) {
						  u64* at = link.node().layout().at<u64>(word * 8);
						  u64 found = Memory::load_relaxed(at);
						  lie(link, at, u64{value});
						  Memory::store_relaxed(at, found);
					  }});
	for (u64 offset : {SHMNET_NETWORKS_OFFSET, SHMNET_AREAS_OFFSET})
		for (u32 word = 0; word < 32; word++)
			inputs.push_back({"B24", format("word {} of the table at {}", word, offset),
					  [=](Link& link) {
						  u64* at = link.node().layout().at<u64>(offset +
											 word * 8);
						  u64 found = Memory::load_relaxed(at);
						  lie(link, at, ~found);
						  Memory::store_relaxed(at, found);
					  }});
	for (u64 value : wide_boundaries())
		inputs.push_back(
			{"B26", format("own witness = {:#x}", value), [value](Link& link) {
				 u64* word =
					 &link.node().layout().witness(link.node().slot())->word;
				 lie(link, word, u64{value});
				 Memory::store_relaxed(word, u64{0});
			 }});
	inputs.push_back({"B26", "own witness: dead", [](Link& link) {
				  Node& node = link.node();
				  u64* word = &node.layout().witness(node.slot())->word;
				  lie(link, word,
				      pack_index(node.incarnation(), SHMNET_WITNESS_DEAD));
				  Memory::store_relaxed(word, u64{0});
				  node.ring_all();
			  }});
	for (u64 value : wide_boundaries())
		inputs.push_back({"B26", format("claim of a slot without a node = {:#x}", value),
				  [value](Link& link) {
					  const Layout& layout = link.node().layout();
					  u64* word = &layout.claim(layout.nodes - 1)->word;
					  u64 found = Memory::load_relaxed(word);
					  lie(link, word, u64{value});
					  Memory::store_relaxed(word, found);
				  }});
}

/* B5: what the victim itself wrote, of the rings with this node. */
void add_victims_words(Inputs& inputs, const NetworkLayout& net)
{
	struct Range {
		const char* name;
		u8* (*begin)(Link&);
		u32 words;
	};
	const Range ranges[] = {
		{"consumer's words",
		 [](Link& link) { return reinterpret_cast<u8*>(link.out().consumer); },
		 sizeof(shmnet_consumer) / 4},
		{"producer's words",
		 [](Link& link) { return reinterpret_cast<u8*>(link.in().producer); },
		 sizeof(shmnet_producer) / 4},
		{"grants", [](Link& link) { return reinterpret_cast<u8*>(link.out().grants); },
		 net.ring},
		{"descriptors",
		 [](Link& link) { return reinterpret_cast<u8*>(link.in().descriptors); },
		 net.ring * static_cast<u32>(sizeof(shmnet_descriptor)) / 4},
		{"buffers",
		 [](Link& link) {
			 return link.in().buffers +
				u64{link.in().first_buffer} * link.node().network().buffer_size;
		 },
		 net.buffer_size / 4},
	};
	const u32 used[] = {0, 1, 2, 3, 16, 32, 33, 34};
	for (const Range& range : {ranges[0], ranges[1]})
		for (u32 word : used)
			for (u32 value : {0u, 1u, ~0u})
				if (word < range.words)
					inputs.push_back(
						{"B5",
						 format("word {} of the victim's {} = {:#x}", word,
							range.name, value),
						 [=](Link& link) {
							 lie(link,
							     reinterpret_cast<u32*>(
								     range.begin(link)) +
								     word,
							     value);
						 }});
	for (const Range& range : ranges)
		for (u32 seed = 0; seed < 8; seed++)
			inputs.push_back(
				{"B5",
				 format("the victim's {}, written over, {}", range.name, seed),
				 [=](Link& link) {
					 Random random(seed);
					 u32* words = reinterpret_cast<u32*>(range.begin(link));
					 for (u32 i = 0; i < 64; i++)
						 Memory::store_relaxed(
							 words + random.below(range.words),
							 static_cast<u32>(random.next()));
					 link.node().ring_all();
					 link.send(
						 link.arp_request(link.node().mac(link.victim())));
				 }});
}

} // namespace

void add_directory_inputs(Inputs& inputs, const NetworkLayout& net)
{
	add_entry(inputs);
	add_changes(inputs);
	add_hints(inputs);
	add_hub_words(inputs);
	add_victims_words(inputs, net);
}

} // namespace shmnet::hostile
