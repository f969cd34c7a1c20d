// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "client.hh"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace shmnet::hub {

namespace {

constexpr long long PROTOCOL_VERSION = 0;
constexpr long long MEMORY_FOLLOWS = -1;

} // namespace

Client::Client(UniqueFd socket, u32 id, int memory, std::shared_ptr<const Doorbells> own,
	       const Switchboard& board)
    : socket_(std::move(socket)), id_(id), memory_(memory), own_(std::move(own)), board_(board),
      greeted_lines_(board.size()), stage_(Stage::Version)
{
}

Client::Client(UniqueFd socket, u32 id, Switchboard::Place told, const Switchboard& board)
    : socket_(std::move(socket)), id_(id), memory_(-1), board_(board), greeted_lines_(told.line),
      stage_(Stage::Changes), place_(told), joined_(true)
{
}

bool Client::find_line(size_t end)
{
	while (place_.line < end) {
		const Switchboard::Line& line = board_[place_.line];
		if (line.id != id_ && line.doorbells && place_.vector < line.doorbells->vectors())
			return true;
		place_ = {place_.line + 1, 0};
	}
	return false;
}

bool Client::next_message(long long& value, int& fd)
{
	fd = -1;
	switch (stage_) {
	case Stage::Version:
		value = PROTOCOL_VERSION;
		return true;
	case Stage::Id:
		value = id_;
		return true;
	case Stage::Memory:
		value = MEMORY_FOLLOWS;
		fd = memory_;
		return true;
	case Stage::Others:
		if (!find_line(greeted_lines_)) {
			stage_ = Stage::Own;
			return next_message(value, fd);
		}
		break;
	case Stage::Own:
		value = id_;
		fd = own_->receiver_fd(own_told_);
		return true;
	case Stage::Changes:
		if (!joined_ || !find_line(board_.size()))
			return false;
		break;
	}
	value = board_[place_.line].id;
	fd = board_[place_.line].doorbells->sender_fd(place_.vector);
	return true;
}

/* The message that next_message() gave has been sent. */
void Client::advance()
{
	switch (stage_) {
	case Stage::Version:
		stage_ = Stage::Id;
		break;
	case Stage::Id:
		stage_ = Stage::Memory;
		break;
	case Stage::Memory:
		stage_ = Stage::Others;
		break;
	case Stage::Own:
		if (++own_told_ == own_->vectors())
			stage_ = Stage::Changes;
		break;
	case Stage::Others:
	case Stage::Changes:
		place_.vector++;
		break;
	}
}

Client::Sent Client::send(long long value, int fd)
{
	/* The protocol is little-endian; so is every host of a region (memory.hh). */
	char bytes[sizeof(value)];
	memcpy(bytes, &value, sizeof(bytes));
	struct iovec data = {bytes + sent_, sizeof(bytes) - sent_};
	struct msghdr header = {};
	header.msg_iov = &data;
	header.msg_iovlen = 1;
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
	if (fd >= 0 && sent_ == 0) {
		header.msg_control = control;
		header.msg_controllen = sizeof(control);
		struct cmsghdr* rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	}
	ssize_t length = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (length < 0) {
		switch (errno) {
		case EAGAIN:
		case EINTR:
			return Sent::Full;
		case ETOOMANYREFS:
		case ENOMEM:
		case ENOBUFS:
			return Sent::Retry;
		default:
			return Sent::Broken;
		}
	}
	sent_ += static_cast<size_t>(length);
	if (sent_ < sizeof(bytes))
		return Sent::Part;
	sent_ = 0;
	return Sent::Whole;
}

Client::Flush Client::flush()
{
	long long value;
	int fd;
	while (next_message(value, fd)) {
		switch (send(value, fd)) {
		case Sent::Whole:
			advance();
			break;
		case Sent::Part:
			break;
		case Sent::Full:
			return Flush::Full;
		case Sent::Retry:
			return Flush::Retry;
		case Sent::Broken:
			return Flush::Broken;
		}
	}
	return Flush::Done;
}

bool Client::drained() const
{
	int unread = 0;
	return ::ioctl(socket_.get(), SIOCOUTQ, &unread) == 0 && unread == 0;
}

bool Client::read_greeting() const
{
	/* What is unread goes when the other end closes; so in this order. */
	return stage_ == Stage::Changes && drained() && receive(MSG_PEEK) != Input::Closed;
}

Client::Input Client::check_input()
{
	return receive(0);
}

Client::Input Client::receive(int flags) const
{
	char byte;
	ssize_t length = ::recv(socket_.get(), &byte, 1, flags | MSG_DONTWAIT);
	if (length > 0)
		return Input::Bytes;
	if (length == 0)
		return Input::Closed;
	return errno == EAGAIN || errno == EINTR ? Input::None : Input::Closed;
}

} // namespace shmnet::hub
