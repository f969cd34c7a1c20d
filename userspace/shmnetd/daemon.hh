/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The program while it runs: what wakes it, and what it then does. */
#pragma once

#include "addresses.hh"
#include "event_loop.hh"
#include "helper_socket.hh"
#include "listeners.hh"
#include "metrics.hh"
#include "metrics_server.hh"
#include "options.hh"
#include "publisher.hh"
#include "segments.hh"
#include "trace.hh"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace shmnet::shmnetd {

class Daemon {
public:
	/* @tracefs: where that is mounted. Publishes for the first time. Throws Error. */
	Daemon(const Options& options, Module& module, const std::string& tracefs = TRACEFS);

	/* Returns after SIGTERM or SIGINT; what is published stays. Throws Error. */
	void run();

private:
	using Clock = std::chrono::steady_clock;

	void start_trace(const std::string& tracefs);
	void start_answers();
	void on_trace();
	void on_module();
	void on_poll();
	void on_wake();
	void reload();
	/* Has listeners and addresses looked at soon, once for all that happens meanwhile. */
	void wake();
	void look(bool count);
	/* Those of the global interfaces that are up. */
	std::set<Address> shared_addresses(const Addresses& addresses);
	void notify_status();
	/* To who asks for metrics. */
	void show();

	Options options_;
	Config config_;
	Module& module_;
	Publisher publisher_;
	SocketDump sockets_;
	AddressDump addresses_;
	AddressChanges changes_;
	std::unique_ptr<ListenTrace> trace_;
	std::unique_ptr<HelperSocket> answers_;

	Connections connections_; /* as they were at the start or the last poll */
	bool find_interfaces_ = true;
	bool wakes_ = false; /* the timer runs */
	Clock::time_point woken_{};
	std::string status_;
	DaemonValues values_;
	std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>();

	EventLoop loop_;
	Segments segments_{loop_};
	EventSource on_changes_;
	EventSource on_module_;
	EventSource on_trace_;
	EventSource on_question_;
	EventSource wake_timer_;
	EventSource poll_timer_;
	std::vector<EventSource> signals_;
	/* After the signals are blocked, which are for this thread alone. */
	MetricsServer server_{metrics_};
};

/* The configuration that the options name. Throws Error. */
Config config_of(const Options& options);

} // namespace shmnet::shmnetd
