/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The network configuration of this network namespace: rtnetlink, /proc/sys and nft. */
#pragma once

#include "global_plan.hh"
#include "rtnetlink.hh"

namespace shmnet::ctl {

class KernelSystem : public System {
public:
	Value read(const Setting& setting) override;
	void write(const Setting& setting, const Value& value) override;
	std::vector<__u32> local_rules(int family) override;
	std::vector<std::string> interfaces() override;

private:
	/* 0 if there is no such interface; for writing, Error. */
	int find_link(const std::string& name);
	int need_link(const std::string& name);
	std::string link_name(int index);

	Value read_link(const Setting& setting);
	Value read_address(const Setting& setting);
	Value read_route(const Setting& setting);
	Value read_rule(const Setting& setting);
	void write_address(const Setting& setting, const Value& value);
	void write_route(const Setting& setting, const Value& value);
	void write_rule(const Setting& setting, const Value& value);

	Rtnetlink netlink_;
};

} // namespace shmnet::ctl
