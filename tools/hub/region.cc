// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region.hh"

#include "error.hh"
#include "size.hh"
#include "zero_check.hh"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <systemd/sd-id128.h>

#include <cstring>
#include <filesystem>
#include <memory>

namespace shmnet::hub {

namespace {

constexpr u64 HEAD_SIZE = 2 * SHMNET_PAGE;

struct alignas(SHMNET_PAGE) Head {
	u8 bytes[HEAD_SIZE];
};

/* The first bytes of a region as its formatter stores them, or as a file has them. */
Geometry parse_head(const Head& head)
{
	Geometry geometry;
	memcpy(&geometry.superblock, head.bytes, sizeof(geometry.superblock));
	memcpy(geometry.network, head.bytes + SHMNET_NETWORKS_OFFSET, sizeof(geometry.network));
	memcpy(geometry.area, head.bytes + SHMNET_AREAS_OFFSET, sizeof(geometry.area));
	return geometry;
}

void build_head(const Geometry& geometry, Head& head)
{
	memset(&head, 0, sizeof(head));
	memcpy(head.bytes, &geometry.superblock, sizeof(geometry.superblock));
	memcpy(head.bytes + SHMNET_NETWORKS_OFFSET, geometry.network, sizeof(geometry.network));
	memcpy(head.bytes + SHMNET_AREAS_OFFSET, geometry.area, sizeof(geometry.area));
}

std::unique_ptr<Head> read_head(int fd, const std::string& path)
{
	auto head = std::make_unique<Head>();
	ssize_t length = ::pread(fd, head->bytes, sizeof(head->bytes), 0);
	if (length < 0)
		throw system_error("reading {}", path);
	memset(head->bytes + length, 0, sizeof(head->bytes) - static_cast<size_t>(length));
	return head;
}

std::string describe_head(Head& head, u64 size)
{
	auto scratch = std::make_unique<Geometry>();
	Layout layout;
	AttachError error = read_layout<HardwareMemory>(head.bytes, size, *scratch, layout);
	return error == AttachError::None ? describe_geometry(*scratch) : describe(error);
}

void make_new(int fd, const std::string& path, u64 size)
{
	struct statvfs status;
	if (::fstatvfs(fd, &status) != 0)
		throw system_error("{}", path);
	u64 room = static_cast<u64>(status.f_bavail) * status.f_frsize;
	/* A hugetlbfs without a limit says that it has no blocks at all. */
	if (status.f_blocks != 0 && room < size)
		throw Error(
			fmt::format("{} needs {}, and its file system has {} left; make room, give "
				    "another --file, or fewer --nodes",
				    path, format_size(size), format_size(room)));
	if (::ftruncate(fd, static_cast<off_t>(size)) != 0)
		throw system_error("giving {} its size of {}", path, format_size(size));
}

constexpr const char* REMEDY =
	"It was left as it is: give another file, or remove it when no guest uses it.";

} // namespace

u32 default_region_id(const std::string& path)
{
	sd_id128_t machine;
	char text[SD_ID128_STRING_MAX] = "";
	if (sd_id128_get_machine(&machine) >= 0)
		sd_id128_to_string(machine, text);
	return hash_region_id(fmt::format("{}:{}", text, path));
}

Region::Region(const std::string& path, const RegionRequest& request)
    : path_(std::filesystem::absolute(path).lexically_normal().string())
{
	/* What is wrong in the request shows before anything is touched. */
	(void)make_geometry(request, 0);
	try {
		File& file = open_file(path_);
		lock();
		auto head = read_head(file.fd.get(), path_);
		compute(request, parse_head(*head));
		u64 size = hardened() ? geometry_.superblock.parts_offset
				      : geometry_.superblock.region_size;
		if (file.size != 0)
			check_existing(size);
		else
			make_new(file.fd.get(), path_, size);
		if (hardened())
			open_parts();
		format();
	} catch (...) {
		for (const File& file : files_)
			if (file.created)
				::unlink(file.path.c_str());
		throw;
	}
}

Region::File& Region::open_file(const std::string& path)
{
	/* No symbolic link: /dev/shm is everybody's. */
	constexpr int FLAGS = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	File file = {path, UniqueFd(::open(path.c_str(), FLAGS)), false, 0};
	if (!file.fd && errno == ENOENT) {
		file.fd.reset(::open(path.c_str(), FLAGS | O_CREAT | O_EXCL, 0600));
		file.created = static_cast<bool>(file.fd);
	}
	if (!file.fd)
		throw system_error("opening the memory's file {}", path);
	files_.push_back(std::move(file));
	struct stat status;
	if (::fstat(files_.back().fd.get(), &status) != 0)
		throw system_error("{}", path);
	if (!S_ISREG(status.st_mode))
		throw Error(fmt::format("{} is not a regular file: give another", path));
	if (status.st_uid != 0 && status.st_uid != ::geteuid())
		throw Error(
			fmt::format("{} belongs to user {}, who could change the memory behind the "
				    "guests' backs; give another --file, or remove it",
				    path, status.st_uid));
	files_.back().size = static_cast<u64>(status.st_size);
	return files_.back();
}

void Region::lock()
{
	/*
	 * On a description of its own: the clients hold the other one, and with it a lock would
	 * outlive the hub.
	 */
	File& file = files_.front();
	lock_.reset(
		::open(fmt::format("/proc/self/fd/{}", file.fd.get()).c_str(), O_RDWR | O_CLOEXEC));
	if (!lock_)
		throw system_error("opening {} again", path_);
	if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0)
		return;
	file.created = false;
	if (errno == EWOULDBLOCK)
		throw Error(fmt::format(
			"another shmnet-hub serves {}; stop it, or give another --file", path_));
	throw system_error("locking {}", path_);
}

/* A file for each node's part. Those of a region that is kept are all there. */
void Region::open_parts()
{
	u64 size = geometry_.superblock.part_size;
	for (u32 slot = 0; slot < geometry_.superblock.nodes; slot++) {
		File& file = open_file(fmt::format("{}.{}", path_, slot));
		if (kept_ && file.size != size)
			throw Error(fmt::format("{} is missing, or not of {}, and {} belongs to "
						"it. Remove them when no guest uses them",
						file.path, format_size(size), path_));
		if (kept_)
			continue;
		if (file.size == 0)
			make_new(file.fd.get(), file.path, size);
		else if (file.size != size || find_nonzero_in_file(file.fd.get(), size))
			throw Error(fmt::format("{} is not {} of zeros. {}", file.path,
						format_size(size), REMEDY));
	}
	scratch_.reset(::memfd_create("shmnet-doorbells", MFD_CLOEXEC));
	if (!scratch_ || ::ftruncate(scratch_.get(), SHMNET_PAGE) != 0)
		throw system_error("making the memory of the devices with doorbells");
}

/* The region's id is the file's own, if it has one, so that it stays with the memory. */
void Region::compute(const RegionRequest& request, const Geometry& found)
{
	u32 id = request.id.value_or(default_region_id(path_));
	if (!request.id && found.superblock.magic == SHMNET_MAGIC)
		id = static_cast<u32>(found.superblock.format & SHMNET_FORMAT_ID_MASK);
	geometry_ = make_geometry(request, id);
	description_ = describe_geometry(geometry_);

	auto head = std::make_unique<Head>();
	build_head(geometry_, *head);
	auto scratch = std::make_unique<Geometry>();
	AttachError error = read_layout<HardwareMemory>(
		head->bytes, geometry_.superblock.region_size, *scratch, layout_);
	if (error != AttachError::None)
		throw Error(fmt::format("the computed geometry is not valid: {}", describe(error)));
}

/* @wanted: the size that it should have. */
void Region::check_existing(u64 wanted)
{
	const File& file = files_.front();
	u64 size = file.size;
	auto head = read_head(file.fd.get(), path_);
	Geometry found = parse_head(*head);
	const shmnet_superblock& superblock = found.superblock;
	bool empty = superblock.magic == 0 && superblock.format == 0;
	if (empty) {
		if (auto nonzero = find_nonzero_in_file(file.fd.get(), size))
			throw Error(
				fmt::format("{} holds something that is not shmnet's ({:#018x} at "
					    "offset {:#x}). {}",
					    path_, nonzero->word, nonzero->offset, REMEDY));
		if (size != wanted)
			throw Error(fmt::format("{} is {} of zeros, and {} are needed. {}", path_,
						format_size(size), format_size(wanted), REMEDY));
		return;
	}
	/* Half formatted by a hub with the same options: the rest is added. */
	if (superblock.magic == 0 && superblock.format == geometry_.superblock.format &&
	    size == wanted)
		return;
	if (superblock.magic != SHMNET_MAGIC)
		throw Error(
			fmt::format("{} holds something that is not shmnet's, or a region whose "
				    "formatting was cut off. {}",
				    path_, REMEDY));
	if (superblock.format != geometry_.superblock.format || size != wanted)
		throw Error(fmt::format("{} is not the region that was asked for.\n"
					"  It is:     {}\n  Asked for: {}\n{}",
					path_, describe_head(*head, size), description_, REMEDY));
	auto whole = std::make_unique<Head>();
	build_head(geometry_, *whole);
	if (memcmp(head->bytes, whole->bytes, HEAD_SIZE) != 0)
		throw Error(fmt::format("the tables of the region {} were overwritten. {}", path_,
					REMEDY));
	kept_ = true;
}

void Region::format()
{
	const shmnet_superblock& superblock = geometry_.superblock;
	if (hardened()) {
		std::vector<Mapping::Piece> pieces;
		for (const File& file : files_)
			pieces.push_back({file.fd.get(), superblock.part_size});
		pieces.front().size = superblock.parts_offset;
		mapping_ = Mapping::map(pieces, true);
	} else {
		mapping_ = Mapping::map(files_.front().fd.get(), superblock.region_size, true);
	}
	if (!mapping_)
		throw system_error("mapping {}", path_);
	layout_.place(mapping_.base());
	if (kept_)
		return;
	if (format_region<HardwareMemory>(mapping_.base(), geometry_) != FormatResult::Formatted)
		throw Error(
			fmt::format("{} was changed by somebody else while it was formatted. {}",
				    path_, REMEDY));
}

void Region::set_permissions(std::optional<mode_t> mode, std::optional<gid_t> group) const
{
	for (const File& file : files_) {
		if (group && ::fchown(file.fd.get(), static_cast<uid_t>(-1), *group) != 0)
			throw system_error("giving {} its group", file.path);
		if (mode && ::fchmod(file.fd.get(), *mode) != 0)
			throw system_error("giving {} its mode", file.path);
	}
}

} // namespace shmnet::hub
