/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The module's generic netlink family as control.cc and events.cc use it: sockets and attributes. */
#pragma once

#include <linux/types.h>
#include <netlink/attr.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

struct nl_msg;
struct nl_sock;
struct nlmsgerr;
struct sockaddr_nl;

namespace shmnet {

/* The attributes of a message, or of a nest in it. */
class Attributes {
public:
	Attributes(nlattr* first, int bytes) : first_(first), bytes_(bytes) {}

	/* Of a generic netlink message. */
	static Attributes of(nl_msg* message);

	const nlattr* find(int type) const { return nla_find(first_, bytes_, type); }
	bool has(int type) const { return find(type) != nullptr; }

	/* 0 if there is none. */
	__u32 u32_of(int type) const { return number_of<__u32>(type); }
	__u64 u64_of(int type) const { return number_of<__u64>(type); }

	std::string string_of(int type) const
	{
		const nlattr* attribute = find(type);
		if (!attribute)
			return "";
		const char* text = nla_get_string(attribute);
		return {text, strnlen(text, nla_len(attribute))};
	}

	template <size_t N> std::array<__u8, N> bytes_of(int type) const
	{
		std::array<__u8, N> bytes = {};
		if (const nlattr* attribute = find(type))
			memcpy(bytes.data(), nla_data(attribute),
			       std::min<size_t>(nla_len(attribute), N));
		return bytes;
	}

	/* What @read makes of each nest of a type. */
	template <typename Read> auto each(int type, Read read) const
	{
		std::vector<decltype(read(*this))> all;
		nlattr* attribute;
		int left;
		nla_for_each_attr(attribute, first_, bytes_, left)
		{
			if (nla_type(attribute) == type)
				all.push_back(
					read(Attributes(static_cast<nlattr*>(nla_data(attribute)),
							nla_len(attribute))));
		}
		return all;
	}

private:
	template <typename T> T number_of(int type) const
	{
		const nlattr* attribute = find(type);
		T number = 0;
		if (attribute && nla_len(attribute) >= static_cast<int>(sizeof(T)))
			memcpy(&number, nla_data(attribute), sizeof(T));
		return number;
	}

	nlattr* first_;
	int bytes_;
};

/* For nl_socket_modify_err_cb(): leaves the kernel's errno, of which libnl has fewer, in an int. */
int keep_refusal(sockaddr_nl*, nlmsgerr* refusal, void* error);

/* A socket, and the number that the module's family has in this kernel. */
class GenlSocket {
public:
	/* Throws Error if the module is not loaded, and says so. */
	GenlSocket();
	~GenlSocket();
	GenlSocket(const GenlSocket&) = delete;
	GenlSocket& operator=(const GenlSocket&) = delete;

	nl_sock* get() const { return socket_; }
	int family() const { return family_; }

private:
	nl_sock* socket_;
	int family_;
};

} // namespace shmnet
