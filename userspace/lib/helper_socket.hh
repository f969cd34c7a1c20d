/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * By which shmnetd says how it is. The socket has a name of the network namespace (unix(7): abstract),
 * in which one shmnetd is of use, and no file. The answer is a file in memory, of any length, that
 * comes as a descriptor: whoever asks and does not read holds nobody up.
 */
#pragma once

#include "unique_fd.hh"

#include <functional>
#include <optional>
#include <string>

namespace shmnet {

class HelperSocket {
public:
	/* Throws Error, if the name is another's, too. */
	HelperSocket();

	/* Readable when somebody asks. */
	int descriptor() const { return socket_.get(); }
	/*
	 * Answers one who asks, if it is root or who runs this: with @report, which is called for
	 * these alone. Does not wait.
	 */
	void answer(const std::function<std::string()>& report) const;

private:
	UniqueFd socket_;
};

/* What shmnetd says in this network namespace; nothing if none runs. Throws Error. */
std::optional<std::string> ask_helper();

} // namespace shmnet
