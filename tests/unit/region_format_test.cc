// SPDX-License-Identifier: GPL-2.0-only OR MIT
// shmnetctl region format: on a file, and on a device as sysfs shows it.
#include "error.hh"
#include "layout.hh"
#include "networks.hh"
#include "shmnetctl/region_format.hh"
#include "shmnetctl/region_source.hh"
#include "support/hub_process.hh"
#include "support/temporary.hh"

#include <gtest/gtest.h>

#include <filesystem>

using namespace shmnet;
using namespace shmnet::ctl;
using namespace shmnet::test;

class RegionFormat : public testing::Test {
protected:
	/* A device 0000:00:04.0 whose memory is a file. */
	void make_device(const std::string& vendor = "0x1af4", const std::string& type = "0x050000")
	{
		std::string device = sysfs_ + "/bus/pci/devices/0000:00:04.0";
		std::filesystem::create_directories(device);
		write_text(device + "/vendor", vendor + "\n");
		write_text(device + "/device", "0x1110\n");
		write_text(device + "/class", type + "\n");
		write_text(device + "/config", std::string("\xf4\x1a\x10\x11\x07\0\0\0", 8));
		memory_ = device + "/resource2";
		write_text(memory_, "");
		std::filesystem::resize_file(memory_, 8 << 20);
	}

	std::string format(u32 nodes, std::optional<u32> id = {})
	{
		RegionRequest request;
		request.nodes = nodes;
		request.networks = default_networks();
		request.id = id;
		return format_memory("00:04.0", request, sysfs_);
	}

	void expect_refused(const std::string& reason, u32 nodes = 2)
	{
		std::string before = read_text(memory_);
		try {
			format(nodes);
			FAIL() << "not refused";
		} catch (const Error& error) {
			EXPECT_NE(std::string(error.what()).find(reason), std::string::npos)
				<< error.what();
		}
		EXPECT_TRUE(read_text(memory_) == before);
	}

	void set_byte(size_t offset, char value)
	{
		std::string bytes = read_text(memory_);
		bytes[offset] = value;
		write_text(memory_, bytes);
	}

	TemporaryDirectory directory_;
	std::string sysfs_ = directory_ / "sys";
	std::string memory_;
};

TEST_F(RegionFormat, ZerosBecomeARegionOfTheDevicesSize)
{
	make_device();
	EXPECT_NE(format(2).find("formatted: 2 nodes, 8 MiB"), std::string::npos);
	EXPECT_EQ(FakeGuests(memory_).layout().nodes, 2u);
	EXPECT_EQ(FakeGuests(memory_).layout().region_size, 8u << 20);
}

TEST_F(RegionFormat, TheSecondGuestThatAsksForTheSameIsContent)
{
	make_device();
	format(2);
	FakeGuests(memory_).claim(0, 1, 0);
	std::string before = read_text(memory_);
	EXPECT_NE(format(2).find("was formatted before"), std::string::npos);
	EXPECT_TRUE(read_text(memory_) == before);
	expect_refused("it is a region already, of 2 nodes", 3);
}

TEST_F(RegionFormat, OneThatWasCutOffIsCompleted)
{
	make_device();
	format(2);
	std::string whole = read_text(memory_);
	set_byte(0, 0);
	for (size_t i = 1; i < 8; i++)
		set_byte(i, 0);
	set_byte(2048 + 3, 0);
	EXPECT_NE(format(2).find("formatted: "), std::string::npos);
	EXPECT_TRUE(read_text(memory_) == whole);
}

TEST_F(RegionFormat, AnythingElseIsRefusedWhereverItLies)
{
	make_device();
	for (size_t offset : {size_t{0}, size_t{5000}, size_t{3} << 20, (size_t{8} << 20) - 1}) {
		set_byte(offset, 'x');
		expect_refused("is not empty");
		expect_refused(fmt::format("at offset {:#x}", offset / 8 * 8));
		set_byte(offset, 0);
	}
	std::filesystem::resize_file(memory_, 6 << 20);
	expect_refused("no power of two");
	std::filesystem::resize_file(memory_, 4 << 20);
	expect_refused("8 MiB");
}

TEST_F(RegionFormat, OtherDevicesAreLeftAlone)
{
	make_device("0x8086");
	expect_refused("is no ivshmem device");
	make_device("0x1af4", "0x020000");
	expect_refused("is no ivshmem device");
	make_device();
	std::string config = sysfs_ + "/bus/pci/devices/0000:00:04.0/config";
	write_text(config, std::string("\xf4\x1a\x10\x11\x05\0\0\0", 8));
	expect_refused("switched off");
}

TEST_F(RegionFormat, AllGuestsComeToTheSameIdByThemselves)
{
	make_device();
	format(2);
	std::string first = read_text(memory_);
	std::filesystem::resize_file(memory_, 0);
	std::filesystem::resize_file(memory_, 8 << 20);
	format(2);
	EXPECT_TRUE(read_text(memory_) == first);
	std::filesystem::resize_file(memory_, 0);
	std::filesystem::resize_file(memory_, 8 << 20);
	format(2, 0xabcdef);
	EXPECT_EQ(FakeGuests(memory_).layout().region_id, 0xabcdefu);
}

TEST_F(RegionFormat, PciAddresses)
{
	EXPECT_EQ(parse_pci_address("00:04.0"), "0000:00:04.0");
	EXPECT_EQ(parse_pci_address("0001:AB:1f.7"), "0001:ab:1f.7");
	for (const char* text : {"", "00:04.8", "00:04", "00-04.0", "0000:00:04.0x", "g0:00.0"})
		EXPECT_FALSE(parse_pci_address(text)) << text;
}

/* The driver's own view, when the kernel does not let the device's memory be mapped. */
TEST_F(RegionFormat, ADeviceThatIsHeldIsShownByItsDriver)
{
	make_device();
	format(2);
	std::string debugfs = sysfs_ + "/kernel/debug/shmnet/0000:00:04.0";
	std::filesystem::create_directories(debugfs);
	std::filesystem::copy_file(memory_, debugfs + "/region");
	auto source = open_region("0000:00:04.0", sysfs_);
	EXPECT_EQ(source->get<u64>(0), SHMNET_MAGIC);
	/* An empty file cannot be mapped, as a held device cannot. */
	std::filesystem::resize_file(memory_, 0);
	source = open_region("0000:00:04.0", sysfs_);
	EXPECT_EQ(source->get<u64>(0), SHMNET_MAGIC);
	EXPECT_EQ(source->size(), std::filesystem::file_size(debugfs + "/region"));
	std::filesystem::remove(debugfs + "/region");
	try {
		open_region("0000:00:04.0", sysfs_);
		FAIL();
	} catch (const Error& error) {
		EXPECT_NE(std::string(error.what()).find("mount debugfs"), std::string::npos);
	}
}
