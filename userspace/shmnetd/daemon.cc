// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "daemon.hh"

#include "error.hh"
#include "report.hh"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <csignal>
#include <iterator>

namespace shmnet::shmnetd {

namespace {

using namespace std::chrono_literals;

/* From the first wish for a look to the look. */
constexpr std::chrono::microseconds GATHERING = 5ms;
/* A socket that begins to listen is traced before a dump can find it. */
constexpr std::chrono::microseconds SETTLING = 1ms;

} // namespace

Config config_of(const Options& options)
{
	return options.config.empty() ? read_config(DEFAULT_CONFIG, false)
				      : read_config(options.config, true);
}

Daemon::Daemon(const Options& options, Module& module, const std::string& tracefs)
    : options_(options), config_(config_of(options)), module_(module),
      publisher_(module, options.interfaces)
{
	/* Signals first: one that comes from here on is not lost. */
	for (int signal : {SIGTERM, SIGINT})
		signals_.push_back(loop_.add_signal(signal, [this] { loop_.stop(); }));
	signals_.push_back(loop_.add_signal(SIGHUP, [this] { reload(); }));
	on_changes_ = loop_.add_fd(changes_.descriptor(), EPOLLIN, [this](u32) {
		changes_.drain();
		find_interfaces_ = true;
		wake();
	});
	on_module_ = loop_.add_fd(module_.descriptor(), EPOLLIN, [this](u32) { on_module(); });
	wake_timer_ = loop_.add_timer([this] { on_wake(); });
	poll_timer_ = loop_.add_timer([this] { on_poll(); });
	start_trace(tracefs);
	connections_ = sockets_.connections(1u << TCP_ESTABLISHED);
	look(false);
	if (publisher_.published().empty())
		log_warning("there is no global interface here yet; 'shmnetctl device' shows the "
			    "interfaces that there are");
	poll_timer_.fire_after(config_.poll.count());
	server_.listen(config_.metrics);
	start_answers();
}

void Daemon::start_trace(const std::string& tracefs)
{
	try {
		trace_ = std::make_unique<ListenTrace>(tracefs);
		on_trace_ =
			loop_.add_fd(trace_->descriptor(), EPOLLIN, [this](u32) { on_trace(); });
	} catch (const Error& error) {
		log_info("listeners are looked for every {} s only, for they cannot be traced: {}",
			 std::chrono::duration<double>(config_.poll).count(), error.what());
	}
}

/* For `shmnetctl helper`. */
void Daemon::start_answers()
{
	try {
		answers_ = std::make_unique<HelperSocket>();
		on_question_ = loop_.add_fd(answers_->descriptor(), EPOLLIN, [this](u32) {
			answers_->answer([this] {
				return report_daemon(values_, publisher_.published(),
						     segments_.states());
			});
		});
	} catch (const Error& error) {
		log_warning("'shmnetctl helper' is not answered: {}; is there a second shmnetd in "
			    "this network namespace?",
			    error.what());
	}
}

void Daemon::run()
{
	(void)sd_notify(0, "READY=1");
	loop_.run();
	(void)sd_notify(0, "STOPPING=1");
	log_info("stopped; {} published", publisher_.status());
}

void Daemon::on_trace()
{
	if (!trace_->drain()) {
		log_warning("listeners are traced no more, but looked for every {} s: {}",
			    std::chrono::duration<double>(config_.poll).count(), strerror(errno));
		on_trace_.reset();
		trace_.reset();
	}
	wake();
}

void Daemon::on_module()
{
	if (module_.receive())
		publisher_.forget();
	find_interfaces_ = true;
	wake();
}

void Daemon::wake()
{
	woken_ = Clock::now();
	if (!wakes_)
		wake_timer_.fire_after(GATHERING.count());
	wakes_ = true;
}

void Daemon::on_wake()
{
	bool early = Clock::now() - woken_ < SETTLING;
	wakes_ = false;
	look(false);
	if (early)
		wake();
}

void Daemon::on_poll()
{
	poll_timer_.fire_after(config_.poll.count());
	find_interfaces_ = true;
	look(true);
}

/* @count: connections, too, of which there may be many. */
void Daemon::look(bool count)
{
	if (std::exchange(find_interfaces_, false))
		publisher_.find_interfaces();
	if (count)
		publisher_.learn();
	if (count && publisher_.counts_connections())
		connections_ = sockets_.connections(1u << TCP_ESTABLISHED);
	std::set<Listener> listeners = sockets_.listeners();
	values_.listeners = listeners.size();
	values_.looked = std::chrono::system_clock::now();
	Addresses addresses = addresses_.addresses();
	publisher_.publish(listeners, addresses, config_, connections_);
	segments_.follow(config_.announce, shared_addresses(addresses));
	notify_status();
	show();
}

std::set<Address> Daemon::shared_addresses(const Addresses& addresses)
{
	std::set<__u32> up = addresses_.up();
	std::set<Address> shared;
	for (const Published& published : publisher_.published()) {
		auto found = addresses.find(published.interface.index);
		if (found == addresses.end() || !up.contains(found->first))
			continue;
		std::copy_if(found->second.begin(), found->second.end(),
			     std::inserter(shared, shared.end()), can_be_shared);
	}
	return shared;
}

void Daemon::reload()
{
	(void)sd_notifyf(
		0, "RELOADING=1\nMONOTONIC_USEC=%lld",
		static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(
					       Clock::now().time_since_epoch())
					       .count()));
	try {
		config_ = config_of(options_);
		log_info("the configuration was read again");
		poll_timer_.fire_after(config_.poll.count());
		wake();
		server_.listen(config_.metrics);
		values_.reloaded = true;
	} catch (const Error& error) {
		log_error("{}; what was read before holds", error.what());
		values_.reloaded = false;
	}
	show();
	(void)sd_notify(0, "READY=1");
}

void Daemon::notify_status()
{
	std::string status = publisher_.status();
	if (status == status_)
		return;
	status_ = status;
	(void)sd_notifyf(0, "STATUS=%s", status.c_str());
}

void Daemon::show()
{
	values_.traces = trace_ != nullptr;
	values_.counts = publisher_.counts();
	values_.published.clear();
	for (const Published& published : publisher_.published())
		if (published.told)
			values_.published[published.interface.name] = *published.told;
	values_.segments = segments_.states();
	metrics_->show(values_);
}

} // namespace shmnet::shmnetd
