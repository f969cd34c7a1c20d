// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "region.hh"

#include "error.hh"
#include "size.hh"
#include "zero_check.hh"

#include <fcntl.h>
#include <sys/file.h>
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
	open_file();
	try {
		lock();
		struct stat status;
		if (::fstat(memory_.get(), &status) != 0)
			throw system_error("{}", path_);
		auto size = static_cast<u64>(status.st_size);
		auto head = read_head(memory_.get(), path_);
		compute(request, parse_head(*head));
		if (size == 0)
			make_new(geometry_.superblock.region_size);
		else
			check_existing(size);
		format();
	} catch (...) {
		if (created_)
			::unlink(path_.c_str());
		throw;
	}
}

void Region::open_file()
{
	/* No symbolic link: /dev/shm is everybody's. */
	constexpr int FLAGS = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	memory_.reset(::open(path_.c_str(), FLAGS));
	if (!memory_ && errno == ENOENT) {
		memory_.reset(::open(path_.c_str(), FLAGS | O_CREAT | O_EXCL, 0600));
		created_ = static_cast<bool>(memory_);
	}
	if (!memory_)
		throw system_error("opening the memory's file {}", path_);
	struct stat status;
	if (::fstat(memory_.get(), &status) != 0)
		throw system_error("{}", path_);
	if (!S_ISREG(status.st_mode))
		throw Error(fmt::format("{} is not a regular file: give another", path_));
	if (status.st_uid != 0 && status.st_uid != ::geteuid())
		throw Error(
			fmt::format("{} belongs to user {}, who could change the memory behind the "
				    "guests' backs; give another --file, or remove it",
				    path_, status.st_uid));
}

void Region::lock()
{
	/*
	 * On a description of its own: the clients hold the other one, and with it a lock would
	 * outlive the hub.
	 */
	lock_.reset(
		::open(fmt::format("/proc/self/fd/{}", memory_.get()).c_str(), O_RDWR | O_CLOEXEC));
	if (!lock_)
		throw system_error("opening {} again", path_);
	if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0)
		return;
	created_ = false;
	if (errno == EWOULDBLOCK)
		throw Error(fmt::format(
			"another shmnet-hub serves {}; stop it, or give another --file", path_));
	throw system_error("locking {}", path_);
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

void Region::make_new(u64 size)
{
	struct statvfs status;
	if (::fstatvfs(memory_.get(), &status) != 0)
		throw system_error("{}", path_);
	u64 room = static_cast<u64>(status.f_bavail) * status.f_frsize;
	/* A hugetlbfs without a limit says that it has no blocks at all. */
	if (status.f_blocks != 0 && room < size)
		throw Error(
			fmt::format("{} needs {}, and its file system has {} left; make room, give "
				    "another --file, or fewer --nodes",
				    path_, format_size(size), format_size(room)));
	if (::ftruncate(memory_.get(), static_cast<off_t>(size)) != 0)
		throw system_error("giving {} its size of {}", path_, format_size(size));
}

void Region::check_existing(u64 size)
{
	auto head = read_head(memory_.get(), path_);
	Geometry found = parse_head(*head);
	const shmnet_superblock& superblock = found.superblock;
	bool empty = superblock.magic == 0 && superblock.format == 0;
	if (empty) {
		if (auto nonzero = find_nonzero_in_file(memory_.get(), size))
			throw Error(
				fmt::format("{} holds something that is not shmnet's ({:#018x} at "
					    "offset {:#x}). {}",
					    path_, nonzero->word, nonzero->offset, REMEDY));
		if (size != geometry_.superblock.region_size)
			throw Error(fmt::format("{} is {} of zeros, and {} are needed. {}", path_,
						format_size(size),
						format_size(geometry_.superblock.region_size),
						REMEDY));
		return;
	}
	/* Half formatted by a hub with the same options: the rest is added. */
	if (superblock.magic == 0 && superblock.format == geometry_.superblock.format &&
	    size == geometry_.superblock.region_size)
		return;
	if (superblock.magic != SHMNET_MAGIC)
		throw Error(
			fmt::format("{} holds something that is not shmnet's, or a region whose "
				    "formatting was cut off. {}",
				    path_, REMEDY));
	if (superblock.format != geometry_.superblock.format ||
	    size != geometry_.superblock.region_size)
		throw Error(fmt::format("{} is not the region that was asked for.\n"
					"  It is:     {}\n  Asked for: {}\n{}",
					path_, describe_head(*head, size), description_, REMEDY));
	auto wanted = std::make_unique<Head>();
	build_head(geometry_, *wanted);
	if (memcmp(head->bytes, wanted->bytes, HEAD_SIZE) != 0)
		throw Error(fmt::format("the tables of the region {} were overwritten. {}", path_,
					REMEDY));
	kept_ = true;
}

void Region::format()
{
	mapping_ = Mapping::map(memory_.get(), geometry_.superblock.region_size, true);
	if (!mapping_)
		throw system_error("mapping {}", path_);
	layout_.base = mapping_.base();
	if (kept_)
		return;
	if (format_region<HardwareMemory>(mapping_.base(), geometry_) != FormatResult::Formatted)
		throw Error(
			fmt::format("{} was changed by somebody else while it was formatted. {}",
				    path_, REMEDY));
}

void Region::set_permissions(std::optional<mode_t> mode, std::optional<gid_t> group) const
{
	if (group && ::fchown(memory_.get(), static_cast<uid_t>(-1), *group) != 0)
		throw system_error("giving {} its group", path_);
	if (mode && ::fchmod(memory_.get(), *mode) != 0)
		throw system_error("giving {} its mode", path_);
}

} // namespace shmnet::hub
