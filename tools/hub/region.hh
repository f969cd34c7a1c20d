/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The memory that a hub owns: a file that it makes and formats, or keeps if a hub with the same
 * options made it before. Anything else is refused and left as it is. Of a hardened region that file
 * is the hub part, and FILE.0, FILE.1 ... are the nodes'.
 */
#pragma once

#include "layout.hh"
#include "mapping.hh"
#include "region_request.hh"
#include "unique_fd.hh"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace shmnet::hub {

class Region {
public:
	/* Throws Error or UsageError. The file belongs to this process until it ends. */
	Region(const std::string& path, const RegionRequest& request);

	const std::string& path() const { return path_; }
	/* For the clients: the region, or memory that is of no use if they have it by its files. */
	int fd() const { return scratch_ ? scratch_.get() : files_.front().fd.get(); }
	const Geometry& geometry() const { return geometry_; }
	/* Of the computed geometry: nothing that is written into the region moves it. */
	const Layout& layout() const { return layout_; }
	/* Of the files; for those who open it by its name. Throws Error. */
	void set_permissions(std::optional<mode_t> mode, std::optional<gid_t> group) const;
	bool kept() const { return kept_; }
	const std::string& description() const { return description_; }

private:
	struct File {
		std::string path;
		UniqueFd fd;
		bool created;
		u64 size; /* bytes; 0: it has just been made */
	};

	bool hardened() const { return geometry_.superblock.features & SHMNET_FEATURE_HARDENED; }
	File& open_file(const std::string& path);
	void lock();
	void open_parts();
	void check_existing(u64 wanted);
	void format();
	void compute(const RegionRequest& request, const Geometry& found);

	std::string path_;
	std::vector<File> files_;
	UniqueFd lock_;
	UniqueFd scratch_; /* hardened: the memory of the devices with doorbells */
	bool kept_ = false;
	Geometry geometry_;
	Layout layout_;
	Mapping mapping_;
	std::string description_;
};

/* Whose name a region's id is derived from: this machine and the file's absolute path. */
u32 default_region_id(const std::string& path);

} // namespace shmnet::hub
