/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What Prometheus is told, put together anew each time that it asks. */
#pragma once

#include "module.hh"
#include "publisher.hh"
#include "segments.hh"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace shmnet::shmnetd {

/* Seconds since 1970. */
double seconds(std::chrono::system_clock::time_point time);

/* What shmnetd says of itself, as it was after its last look at the sockets. */
struct DaemonValues {
	size_t listeners = 0;
	std::chrono::system_clock::time_point looked;
	bool traces = false;  /* or else it polls alone */
	bool reloaded = true; /* the configuration that was read last was right */
	PublisherCounts counts;
	/* What the module was told, by interface. */
	std::map<std::string, std::vector<ServiceInfo>> published;
	std::vector<SegmentState> segments;
};

/*
 * The daemon's own thread shows its values. The server's thread takes a copy of them, and asks the
 * module itself, on a socket of its own.
 */
class Metrics final : public prometheus::Collectable {
public:
	/* @ask is called by who collects. It throws Error if the module does not answer. */
	explicit Metrics(std::function<ModuleValues()> ask = ask_module) : ask_(std::move(ask)) {}

	void show(const DaemonValues& values);
	std::vector<prometheus::MetricFamily> Collect() const override;

private:
	DaemonValues shown() const;

	std::function<ModuleValues()> ask_;
	mutable std::mutex mutex_;
	DaemonValues values_; /* under mutex_ */
};

} // namespace shmnet::shmnetd
