/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Requests for a geometry, at random: all that the rules allow. */
#pragma once

#include "geometry.hh"

#include <rapidcheck.h>

namespace rc {

template <> struct Arbitrary<shmnet::NetworkRequest> {
	static Gen<shmnet::NetworkRequest> arbitrary()
	{
		using shmnet::u32;
		return gen::map(
			gen::tuple(
				gen::element(u32{SHMNET_NETWORK_LOCAL}, u32{SHMNET_NETWORK_GLOBAL}),
				gen::weightedOneOf<u32>(
					{{3, gen::inRange(u32{SHMNET_MTU_MIN},
							  u32{SHMNET_MTU_MAX} + 1)},
					 {1, gen::element(u32{SHMNET_MTU_MIN}, u32{1500}, u32{9000},
							  u32{SHMNET_MTU_MAX})}}),
				gen::inRange(11u, 17u), gen::inRange(1u, SHMNET_QUEUES_MAX + 1u),
				gen::inRange(1u, SHMNET_TAPES_MAX + 1u)),
			[](const std::tuple<u32, u32, u32, u32, u32>& values) {
				auto [kind, mtu, shift, queues, tapes] = values;
				return shmnet::NetworkRequest{kind, mtu, 1u << shift, queues,
							      tapes};
			});
	}
};

template <> struct Arbitrary<shmnet::GeometryRequest> {
	static Gen<shmnet::GeometryRequest> arbitrary()
	{
		using shmnet::u32;
		return gen::map(
			gen::tuple(gen::inRange<u32>(SHMNET_NODES_MIN, SHMNET_NODES_MAX + 1),
				   gen::inRange<u32>(0, SHMNET_FORMAT_ID_MASK + 1),
				   gen::inRange<u32>(1, SHMNET_NETWORKS_MAX + 1),
				   gen::container<std::vector<shmnet::NetworkRequest>>(
					   SHMNET_NETWORKS_MAX,
					   gen::arbitrary<shmnet::NetworkRequest>()),
				   gen::arbitrary<bool>()),
			[](const auto& values) {
				shmnet::GeometryRequest request = {};
				request.nodes = std::get<0>(values);
				request.region_id = std::get<1>(values);
				request.networks = std::get<2>(values);
				for (u32 i = 0; i < request.networks; i++)
					request.network[i] = std::get<3>(values)[i];
				request.hardened = std::get<4>(values);
				return request;
			});
	}
};

} // namespace rc

namespace shmnet {

inline void showValue(const GeometryRequest& request, std::ostream& os)
{
	os << request.nodes << (request.hardened ? " hardened" : "") << " nodes, "
	   << request.region_size << " bytes";
	for (u32 i = 0; i < request.networks && i < SHMNET_NETWORKS_MAX; i++) {
		const NetworkRequest& row = request.network[i];
		os << "; kind " << row.kind << " mtu " << row.mtu << " buffer " << row.buffer_size
		   << " queues " << row.queues << " tapes " << row.tapes;
	}
}

} // namespace shmnet
