// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "table.hh"

#include <algorithm>
#include <utility>

namespace shmnet {

Table::Table(std::vector<std::string> header)
{
	rows_.push_back(std::move(header));
}

void Table::add(std::vector<std::string> cells)
{
	cells.resize(rows_[0].size());
	for (std::string& cell : cells)
		if (cell.empty())
			cell.assign(1, '-');
	rows_.push_back(std::move(cells));
}

std::string Table::text() const
{
	if (empty())
		return {};
	std::vector<size_t> widths(rows_[0].size());
	for (const auto& row : rows_)
		for (size_t i = 0; i < row.size(); i++)
			widths[i] = std::max(widths[i], row[i].size());
	std::string text;
	for (const auto& row : rows_) {
		for (size_t i = 0; i < row.size(); i++) {
			text += row[i];
			if (i + 1 < row.size())
				text.append(widths[i] - row[i].size() + 2, ' ');
		}
		text += '\n';
	}
	return text;
}

std::string printable(const std::string& text)
{
	std::string result = text;
	for (char& c : result)
		if (c <= ' ' || c > '~')
			c = '?';
	return result;
}

} // namespace shmnet
