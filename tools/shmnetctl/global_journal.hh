/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What `shmnetctl global` has changed in this network namespace, so that it can be undone, also
 * after a crash: a JSON file that names a step, with what stood there, before the step is done.
 */
#pragma once

#include "global_setting.hh"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace shmnet::ctl {

struct PortBlock {
	__u32 first;
	__u32 last;

	bool operator==(const PortBlock&) const = default;
};

/* A shared address as it was asked for, with what was found for what was left open. */
struct Wish {
	std::string address;
	std::string interface;
	std::string local;  /* interface of the node's own address beside it; empty: none known */
	std::string source; /* the node's own address */
	std::vector<std::string> cards; /* in order; by them others come in. None: no entry */
	__u32 table = 0;
	std::optional<PortBlock> ports;

	bool operator==(const Wish&) const = default;
};

/*
 * A setting that was not as it should be. Once it is @done, @seen is what reading it gave; until then
 * it may stand at @old, at @set, or, where a step is done a second time, at what it was between.
 */
struct Step {
	Setting setting;
	Value old;
	Value set;
	bool done = false;
	Value seen;
	std::vector<std::string> addresses; /* that need it; it is undone with the last */
};

struct Journal {
	std::vector<Wish> wishes;
	std::vector<Step> steps; /* as they were done; undone in reverse */

	const Wish* find(const std::string& address) const;
	Step* find(const Setting& setting);
	const Step* find(const Setting& setting) const;
	bool empty() const { return wishes.empty() && steps.empty(); }
};

class JournalFile {
public:
	explicit JournalFile(std::string path) : path_(std::move(path)) {}

	/*
	 * An empty one if there is no file, or one of an earlier boot: the kernel has forgotten what
	 * that speaks of. Throws Error for a file that cannot be understood.
	 */
	Journal load() const;
	/* Removes the file of an empty journal. Throws Error; the old file is then as it was. */
	void save(const Journal& journal) const;

	static std::string text_of(const Journal& journal);
	/* Any exception says what is wrong with the text. */
	static Journal parse(const std::string& text);

private:
	std::string path_;
};

} // namespace shmnet::ctl
