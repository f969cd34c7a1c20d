/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A decoded region as text and as JSON. */
#pragma once

#include "region_view.hh"

#include <string>

namespace shmnet::ctl {

struct RenderOptions {
	bool areas = false;
	bool rings = false;
	bool tapes = false;
};

std::string render_text(const RegionView& view, const std::string& name,
			const RenderOptions& options);
std::string render_json(const RegionView& view, const std::string& name,
			const RenderOptions& options);

} // namespace shmnet::ctl
