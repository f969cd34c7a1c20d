// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Who asks shmnetd how it is, and who answers, in a network namespace of the test's own. */
#include "helper_socket.hh"

#include "error.hh"
#include "support/network_namespace.hh"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <future>

using namespace shmnet;
using namespace shmnet::test;

namespace {

constexpr uid_t NOBODY = 65534;

class HelperSocketTest : public ::testing::Test {
protected:
	void SetUp() override
	{
		if (::geteuid() != 0 || !enter_network_namespace("192.0.2.1"))
			GTEST_SKIP() << "no network namespace for the test: " << strerror(errno)
				     << "; run it as root";
	}
};

/* Waits until somebody asks. */
void answer(const HelperSocket& socket, const std::string& report)
{
	pollfd asked = {socket.descriptor(), POLLIN, 0};
	ASSERT_EQ(::poll(&asked, 1, 20'000), 1);
	socket.answer([&] { return report; });
}

/* What asking ends with. */
std::string refusal()
{
	try {
		(void)ask_helper();
		return "none";
	} catch (const Error& error) {
		return error.what();
	}
}

} // namespace

TEST_F(HelperSocketTest, NobodyAnswersWhereNoneRuns)
{
	EXPECT_FALSE(ask_helper());
}

TEST_F(HelperSocketTest, AnswersOfAnyLengthArrive)
{
	HelperSocket socket;
	for (size_t length : {0u, 1u, 10'000'000u}) {
		std::string report(length, 'x');
		auto received = std::async(std::launch::async, ask_helper);
		answer(socket, report);
		EXPECT_EQ(received.get(), report);
	}
}

TEST_F(HelperSocketTest, OneHasTheName)
{
	{
		HelperSocket socket;
		EXPECT_THROW(HelperSocket(), Error);
	}
	EXPECT_NO_THROW(HelperSocket());
}

TEST_F(HelperSocketTest, OthersThanRootAreNotTold)
{
	HelperSocket socket;
	pid_t pid = ::fork();
	if (pid == 0)
		::_exit(::setuid(NOBODY) == 0 && refusal().find("only root") != std::string::npos
				? 0
				: 1);
	answer(socket, "secret");
	int status = -1;
	::waitpid(pid, &status, 0);
	EXPECT_EQ(status, 0);
}

TEST_F(HelperSocketTest, OthersThanRootAreNotBelieved)
{
	int ready[2];
	ASSERT_EQ(::pipe(ready), 0);
	pid_t pid = ::fork();
	if (pid == 0) {
		::prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (::setuid(NOBODY) != 0)
			::_exit(1);
		HelperSocket socket;
		(void)!::write(ready[1], "", 1);
		::pause();
	}
	char byte;
	ASSERT_EQ(::read(ready[0], &byte, 1), 1);
	EXPECT_NE(refusal().find("not root"), std::string::npos);
	::kill(pid, SIGKILL);
	::waitpid(pid, nullptr, 0);
}
