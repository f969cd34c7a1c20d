/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Aligned text in columns, for people and for grep and awk: no cell is empty or has spaces. */
#pragma once

#include <string>
#include <vector>

namespace shmnet {

class Table {
public:
	explicit Table(std::vector<std::string> header);

	/* As many cells as the header has. */
	void add(std::vector<std::string> cells);

	bool empty() const { return rows_.size() == 1; }
	/* A line for the header and one for each row; nothing if there are no rows. */
	std::string text() const;

private:
	std::vector<std::vector<std::string>> rows_;
};

/* What somebody else wrote, fit for a terminal and for JSON: printable ASCII, no spaces. */
std::string printable(const std::string& text);

} // namespace shmnet
