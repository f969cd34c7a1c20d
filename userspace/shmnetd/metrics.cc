// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "metrics.hh"

#include "node_state.hh"
#include "version.hh"

#include <algorithm>
#include <iterator>
#include <set>

namespace shmnet::shmnetd {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Families = std::vector<MetricFamily>;
using Labels = std::vector<ClientMetric::Label>;

MetricFamily make_family(MetricType type, std::string name, std::string help)
{
	MetricFamily family;
	family.name = std::move(name);
	family.help = std::move(help);
	family.type = type;
	return family;
}

MetricFamily make_counter(std::string name, std::string help)
{
	return make_family(MetricType::Counter, std::move(name), std::move(help));
}

MetricFamily make_gauge(std::string name, std::string help)
{
	return make_family(MetricType::Gauge, std::move(name), std::move(help));
}

template <typename Number> void add(MetricFamily& family, Number value, Labels labels = {})
{
	ClientMetric metric;
	metric.label = std::move(labels);
	if (family.type == MetricType::Counter)
		metric.counter.value = static_cast<double>(value);
	else
		metric.gauge.value = static_cast<double>(value);
	family.metric.push_back(std::move(metric));
}

/* Of one value, without labels. */
template <typename Number> MetricFamily with(MetricFamily family, Number value)
{
	add(family, value);
	return family;
}

void append(Families& all, Families more)
{
	std::move(more.begin(), more.end(), std::back_inserter(all));
}

Labels service_labels(const std::string& interface, const ServiceInfo& service)
{
	return {{"interface", interface},
		{"protocol", protocol_name(service.protocol)},
		{"address", address_text(service.address)},
		{"port", fmt::format("{}", service.port)}};
}

/*
 * A metric for each, and no label for the counter's name: sums over a label should mean something,
 * and frames and bytes do not add up. What they count is said once, in docs/operations.md; a module
 * that is newer than this program may have more of them.
 */
Families counter_families(const std::vector<CounterInfo>& interfaces)
{
	Families all;
	std::map<std::string, size_t> places;
	for (const CounterInfo& info : interfaces)
		for (const auto& [name, value] : info.counters) {
			auto [place, is_new] = places.emplace(name, all.size());
			if (is_new)
				all.push_back(make_counter(
					fmt::format("shmnet_{}_total", name),
					fmt::format("The interface's counter {}, as ethtool -S "
						    "shows it.",
						    name)));
			add(all[place->second], value, {{"interface", info.interface.name}});
		}
	return all;
}

MetricFamily node_family(const std::vector<NodeInfo>& nodes)
{
	MetricFamily family = make_gauge(
		"shmnet_nodes", "Nodes of the region, as this one sees them, by their state.");
	std::map<std::string, std::map<__u32, size_t>> counts;
	for (const NodeInfo& node : nodes)
		counts[node.device][node.state]++;
	/* States that no node is in are 0, and not missing. */
	for (auto& [device, states] : counts)
		for (const NamedValue& state : NODE_STATES)
			add(family, states[state.value],
			    {{"device", device}, {"state", state.name}});
	return family;
}

Families offer_families(const std::vector<OfferInfo>& offers)
{
	MetricFamily weights =
		make_gauge("shmnet_service_weight",
			   "Weight of a service that a node offers; 0: no new flows.");
	MetricFamily connections =
		make_gauge("shmnet_service_connections",
			   "Connections of a service that a node offers, as it said last.");
	/* Of a service that a node says twice, the first counts. */
	std::set<Labels> seen;
	for (const OfferInfo& offer : offers) {
		Labels labels = service_labels(offer.interface.name, offer.service);
		labels.push_back({"node", fmt::format("{}", offer.slot)});
		if (!seen.insert(labels).second)
			continue;
		add(weights, offer.service.weight, labels);
		add(connections, offer.service.connections, labels);
	}
	return {std::move(weights), std::move(connections)};
}

Families module_families(const ModuleValues& values)
{
	Families all = counter_families(values.counters);
	all.push_back(node_family(values.nodes));
	append(all, offer_families(values.offers));
	return all;
}

Families published_families(const std::map<std::string, std::vector<ServiceInfo>>& published)
{
	MetricFamily weights =
		make_gauge("shmnetd_published_service_weight",
			   "Weight of a service of this node that is published; 0: no new flows.");
	MetricFamily connections = make_gauge(
		"shmnetd_published_service_connections",
		"Connections of a service of this node that is published, at the last poll.");
	for (const auto& [interface, services] : published)
		for (const ServiceInfo& service : services) {
			Labels labels = service_labels(interface, service);
			add(weights, service.weight, labels);
			add(connections, service.connections, labels);
		}
	return {std::move(weights), std::move(connections)};
}

MetricFamily answer_family(const std::vector<SegmentState>& segments)
{
	MetricFamily family =
		make_gauge("shmnetd_answers_for_address",
			   "1 if this node answers for a shared address on the "
			   "segment of an interface, 0 if another one does, or none.");
	for (const SegmentState& segment : segments)
		for (const auto& [address, holder] : segment.holders)
			add(family, holder == segment.own,
			    {{"interface", segment.interface}, {"address", address_text(address)}});
	return family;
}

MetricFamily build_family()
{
	MetricFamily family = make_gauge("shmnetd_build_info",
					 "1, with the versions of the program and of the region "
					 "that it was built for.");
	add(family, 1,
	    {{"version", SHMNET_PROGRAM_VERSION},
	     {"region_format", fmt::format("{}", SHMNET_VERSION)}});
	return family;
}

Families daemon_families(const DaemonValues& values)
{
	Families all = published_families(values.published);
	MetricFamily published = make_gauge("shmnetd_last_publication_timestamp_seconds",
					    "When the module last took services, since 1970; "
					    "absent if it has not yet.");
	if (values.counts.last)
		add(published, seconds(*values.counts.last));
	append(all,
	       {build_family(), std::move(published), answer_family(values.segments),
		with(make_counter("shmnetd_publications_total",
				  "Times that the module took the services of an interface."),
		     values.counts.publications),
		with(make_counter("shmnetd_publication_failures_total",
				  "Times that the module refused them."),
		     values.counts.failures),
		with(make_gauge("shmnetd_listeners",
				"Sockets of this network namespace that take connections or "
				"datagrams, published or not."),
		     values.listeners),
		with(make_gauge("shmnetd_last_look_timestamp_seconds",
				"When the sockets were last looked at, since 1970."),
		     seconds(values.looked)),
		with(make_gauge("shmnetd_tracing",
				"1 if it sees at once that a TCP socket begins or ends to listen, "
				"0 if only at each poll."),
		     values.traces),
		with(make_gauge("shmnetd_config_last_reload_successful",
				"0 if the configuration that was read last is wrong, and the one "
				"before it holds."),
		     values.reloaded)});
	return all;
}

} // namespace

double seconds(std::chrono::system_clock::time_point time)
{
	return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void Metrics::show(const DaemonValues& values)
{
	std::lock_guard lock(mutex_);
	values_ = values;
}

DaemonValues Metrics::shown() const
{
	std::lock_guard lock(mutex_);
	return values_;
}

std::vector<MetricFamily> Metrics::Collect() const
{
	Families all = daemon_families(shown());
	bool answers = true;
	try {
		append(all, module_families(ask_()));
	} catch (const Error&) {
		answers = false;
	}
	all.push_back(with(make_gauge("shmnetd_module_up",
				      "1 if the module answered; 0: of it there is nothing here."),
			   answers));
	return all;
}

} // namespace shmnet::shmnetd
