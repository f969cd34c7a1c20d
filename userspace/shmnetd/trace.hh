/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tells at once that some TCP socket begins or ends to listen, in whatever network namespace: a
 * tracefs instance with the event sock/inet_sock_set_state. It needs no capability of root, but
 * that tracefs is mounted and its files may be opened.
 */
#pragma once

#include "unique_fd.hh"

#include <string>
#include <string_view>

namespace shmnet::shmnetd {

inline constexpr const char* TRACEFS = "/sys/kernel/tracing";

class ListenTrace {
public:
	/*
	 * Removes what processes that were killed left behind. Throws Error. @tracefs is where
	 * that is mounted.
	 */
	explicit ListenTrace(const std::string& tracefs);
	ListenTrace(const ListenTrace&) = delete;
	ListenTrace& operator=(const ListenTrace&) = delete;
	~ListenTrace();

	/* Readable when there is something. */
	int descriptor() const { return pipe_.get(); }
	/* Takes what is there to be read. False, with errno, if there will be no more. */
	bool drain();

private:
	void write(const char* file, std::string_view text) const;
	void remove();

	std::string path_; /* of the instance */
	UniqueFd pipe_;
};

} // namespace shmnet::shmnetd
