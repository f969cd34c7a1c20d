// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "explorer.hh"

#include "seen.hh"

#include <fmt/format.h>

#include <ucontext.h>

#include <algorithm>
#include <unordered_set>

namespace shmnet::explore {

namespace {

constexpr size_t STACK_BYTES = 256 * 1024;
/* Of one run; a scene that takes more does not end. */
constexpr u32 STEPS_MAX = 2000;

class Explorer {
public:
	Explorer(Scene& scene, const Bounds& bounds) : scene_(scene), bounds_(bounds)
	{
		for (u32 i = 0; i < scene.threads(); i++)
			threads_[i].stack = std::make_unique<char[]>(STACK_BYTES);
	}

	Report explore();

	u64 load(const void* address, u32 bytes, Order order);
	void store(void* address, u32 bytes, u64 value, Order order);
	bool exchange(void* address, u32 bytes, u64& expected, u64 desired, Order success,
		      Order failure);
	void fence(Order order);
	void sleep();
	void ring(u32 thread);
	[[noreturn]] void fail(const std::string& what);

	bool has_crashed(u32 thread) const { return threads_[thread].state == State::Crashed; }
	bool sleeps(u32 thread) const { return threads_[thread].state == State::Asleep; }

	static Explorer* now;

private:
	enum class State : u8 { Ready, Asleep, Crashed, Ended };

	struct Thread {
		State state = State::Ready;
		bool rung = false;
		u64 digest = 0; /* of all that it was given */
		ucontext_t context = {};
		std::unique_ptr<char[]> stack;
	};

	struct Choice {
		u32 taken;
		u32 options;
	};

	void run();
	static void thread_main();
	bool go_back();

	u32 choose(u32 options, bool at_state);
	void step();
	void schedule();
	void go_on_with(u32 thread);
	[[noreturn]] void leave();

	bool is_in_halves(const void* address, u32 bytes);
	u32 word_of(const void* address, u32 bytes);
	u64 load_direct(const void* address, u32 bytes);
	void store_direct(void* address, u32 bytes, u64 value);
	u64 load_word(const void* address, u32 bytes, Order order);
	void store_word(void* address, u32 bytes, u64 value, Order order);
	u32 choose_store(u32 word);
	void check_race(u32 word, bool stores, const void* address);
	void remember(u64 value) { self().digest = mix(self().digest, value); }
	Thread& self() { return threads_[current_]; }
	u64 digest() const;
	template <typename... Values>
	void tell(fmt::format_string<Values...> text, Values&&... values);

	Scene& scene_;
	const Bounds bounds_;
	WeakMemory memory_;
	Thread threads_[THREADS_MAX];
	ucontext_t main_ = {};
	Seen seen_;
	std::unordered_set<const void*> halves_; /* words of 8 bytes that are used as two of 4 */

	/* Of all runs. */
	std::vector<Choice> choices_;
	u64 runs_ = 0;
	u64 steps_ = 0;

	/* Of this run. */
	bool running_ = false;
	bool telling_ = false;
	bool anew_ = false;
	u32 depth_ = 0;
	u32 current_ = 0;
	u32 run_steps_ = 0;
	Bounds left_ = {};
	std::vector<std::pair<u64*, u64>> undo_;
	std::string failure_;
	std::string told_;
};

Explorer* Explorer::now;

/* ---- Runs -------------------------------------------------------------------------------------- */

Report Explorer::explore()
{
	now = this;
	do {
		anew_ = false;
		run();
		if (anew_) {
			/* Words are now known to have halves: nothing of before counts. */
			choices_.clear();
			seen_ = {};
			memory_ = {};
			runs_ = steps_ = 0;
		}
	} while (failure_.empty() && (anew_ || go_back()));
	if (!failure_.empty()) {
		std::string failure = failure_;
		telling_ = true;
		run();
		failure_ = failure + "\n" + told_;
	}
	now = nullptr;
	return {failure_, runs_, seen_.count(), steps_};
}

/* To the last choice that has another option; false: all were taken. */
bool Explorer::go_back()
{
	while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().options)
		choices_.pop_back();
	if (choices_.empty())
		return false;
	choices_.back().taken++;
	return true;
}

void Explorer::thread_main()
{
	Explorer& explorer = *now;
	explorer.scene_.run(explorer.current_);
	explorer.self().state = State::Ended;
	explorer.tell("ends");
	explorer.schedule();
	__builtin_unreachable();
}

void Explorer::run()
{
	runs_++;
	depth_ = run_steps_ = 0;
	left_ = bounds_;
	failure_.clear();
	memory_.begin();
	volatile bool begun = false;
	getcontext(&main_);
	/* leave() comes back to here. */
	if (!begun) {
		begun = true;
		scene_.begin();
		for (u32 i = 0; i < scene_.threads(); i++) {
			Thread& thread = threads_[i];
			thread.state = State::Ready;
			thread.rung = false;
			thread.digest = i;
			getcontext(&thread.context);
			thread.context.uc_stack.ss_sp = thread.stack.get();
			thread.context.uc_stack.ss_size = STACK_BYTES;
			thread.context.uc_link = nullptr;
			makecontext(&thread.context, thread_main, 0);
		}
		running_ = true;
		current_ = THREADS_MAX;
		schedule();
	}
	running_ = false;
	steps_ += run_steps_;
	for (auto at = undo_.rbegin(); at != undo_.rend(); ++at)
		*at->first = at->second;
	undo_.clear();
}

void Explorer::leave()
{
	running_ = false;
	setcontext(&main_);
	__builtin_unreachable();
}

void Explorer::fail(const std::string& what)
{
	failure_ = what;
	leave();
}

/* ---- Choices ----------------------------------------------------------------------------------- */

u64 Explorer::digest() const
{
	u64 result = mix(memory_.digest(), current_);
	for (u32 i = 0; i < scene_.threads(); i++) {
		const Thread& thread = threads_[i];
		result = mix(result, thread.digest);
		result = mix(result, static_cast<u64>(thread.state) << 1 | thread.rung);
	}
	return mix(result, left_.preemptions << 16 | left_.stale << 8 | left_.crashes);
}

/* @at_state: at the same state, all options lead to the same as before. */
u32 Explorer::choose(u32 options, bool at_state)
{
	if (depth_ == choices_.size()) {
		if (at_state && !telling_ && !seen_.insert(digest()))
			leave();
		choices_.push_back({0, options});
	}
	return choices_[depth_++].taken;
}

/* Before each access: another thread may come first, or this one may come no more. */
void Explorer::step()
{
	if (++run_steps_ > STEPS_MAX)
		fail("it does not end");
	u32 others[THREADS_MAX];
	u32 count = 0;
	for (u32 i = 0; left_.preemptions > 0 && i < scene_.threads(); i++)
		if (i != current_ && threads_[i].state == State::Ready)
			others[count++] = i;
	bool may_crash = left_.crashes > 0 && scene_.may_crash(current_);
	u32 options = 1 + count + may_crash;
	u32 taken = options > 1 ? choose(options, true) : 0;
	if (taken == 0)
		return;
	if (taken <= count) {
		left_.preemptions--;
		go_on_with(others[taken - 1]);
		return;
	}
	left_.crashes--;
	self().state = State::Crashed;
	tell("crashes");
	schedule();
}

/* Of those that can go on. When none can, the scene is over. */
void Explorer::schedule()
{
	u32 ready[THREADS_MAX];
	u32 count = 0;
	for (u32 i = 0; i < scene_.threads(); i++)
		if (threads_[i].state == State::Ready)
			ready[count++] = i;
	if (count == 0) {
		running_ = false;
		current_ = THREADS_MAX;
		scene_.end();
		leave();
	}
	go_on_with(ready[count > 1 ? choose(count, true) : 0]);
}

/* Returns when somebody goes on with the caller; never, if it has ended. */
void Explorer::go_on_with(u32 thread)
{
	u32 from = current_;
	if (from == thread)
		return;
	current_ = thread;
	if (from == THREADS_MAX || threads_[from].state == State::Ended ||
	    threads_[from].state == State::Crashed)
		setcontext(&threads_[thread].context);
	else
		swapcontext(&threads_[from].context, &threads_[thread].context);
}

void Explorer::sleep()
{
	step();
	Thread& thread = self();
	tell("sleeps");
	if (!thread.rung) {
		thread.state = State::Asleep;
		schedule();
	}
	thread.rung = false;
	remember(1);
}

void Explorer::ring(u32 target)
{
	if (!running_)
		return;
	step();
	Thread& thread = threads_[target];
	tell("rings {}", target);
	if (thread.state == State::Asleep)
		thread.state = State::Ready;
	thread.rung = true;
	remember(2);
}

/* ---- Accesses ---------------------------------------------------------------------------------- */

/* What lies near address 0. */
constexpr uintptr_t NO_MEMORY = 1u << 20;

u64* word_around(const void* address)
{
	return reinterpret_cast<u64*>(reinterpret_cast<uintptr_t>(address) & ~uintptr_t{7});
}

u64 plain_load(const void* address, u32 bytes)
{
	u64 value = 0;
	memcpy(&value, address, bytes);
	return value;
}

/* A word of which one half was accessed alone has two halves from the start. */
bool Explorer::is_in_halves(const void* address, u32 bytes)
{
	return bytes == 8 && halves_.contains(address);
}

u32 Explorer::word_of(const void* address, u32 bytes)
{
	if (bytes == 4 && halves_.insert(word_around(address)).second) {
		u32 number;
		if (memory_.touched(word_around(address), number)) {
			anew_ = true;
			leave();
		}
	}
	if (bytes != 4 && bytes != 8)
		fail("an access of another size than 4 or 8 bytes");
	if (reinterpret_cast<uintptr_t>(address) < NO_MEMORY)
		fail("an access through an address that was not there yet");
	u32 word = memory_.word(address, plain_load(address, bytes), scene_.is_plain(address));
	if (memory_.is_full())
		fail("more words than there is room for");
	return word;
}

u64 Explorer::load_direct(const void* address, u32 bytes)
{
	if (is_in_halves(address, bytes)) {
		auto* halves = static_cast<const u32*>(address);
		return load_direct(&halves[0], 4) | load_direct(&halves[1], 4) << 32;
	}
	u32 word;
	return memory_.touched(address, word) ? memory_.newest(word) : plain_load(address, bytes);
}

/* Nobody runs; the thread is the first for want of another. */
void Explorer::store_direct(void* address, u32 bytes, u64 value)
{
	if (is_in_halves(address, bytes)) {
		auto* halves = static_cast<u32*>(address);
		store_direct(&halves[0], 4, static_cast<u32>(value));
		store_direct(&halves[1], 4, value >> 32);
		return;
	}
	u32 word;
	if (memory_.touched(address, word)) {
		memory_.store(0, word, value, Order::Relaxed);
		return;
	}
	u64* around = word_around(address);
	undo_.emplace_back(around, *around);
	memcpy(address, &value, bytes);
}

void Explorer::check_race(u32 word, bool stores, const void* address)
{
	if (memory_.races(current_, word, stores))
		fail(fmt::format("thread {} {} {} though nothing orders that with another's access",
				 current_, stores ? "stores to" : "loads", address));
}

/* How far back from the newest. */
u32 Explorer::choose_store(u32 word)
{
	u32 options = left_.stale ? memory_.choices(current_, word) : 1;
	u32 back = options > 1 ? choose(options, false) : 0;
	left_.stale -= back > 0;
	return back;
}

u64 Explorer::load_word(const void* address, u32 bytes, Order order)
{
	step();
	u32 word = word_of(address, bytes);
	check_race(word, false, address);
	u32 back = choose_store(word);
	u64 value = memory_.load(current_, word, back, order);
	tell("loads{} {:#x} from {}{}", acquires(order) ? " (acquire)" : "", value, address,
	     back ? ", which is old" : "");
	remember(value);
	return value;
}

void Explorer::store_word(void* address, u32 bytes, u64 value, Order order)
{
	step();
	u32 word = word_of(address, bytes);
	check_race(word, true, address);
	if (memory_.stores(word) >= STORES_MAX)
		fail("more stores to one word than there is room for");
	memory_.store(current_, word, value, order);
	tell("stores{} {:#x} to {}", releases(order) ? " (release)" : "", value, address);
	remember(3);
}

u64 Explorer::load(const void* address, u32 bytes, Order order)
{
	if (!running_)
		return load_direct(address, bytes);
	if (scene_.is_left_out(address)) {
		memory_.load_left_out(current_);
		u64 value = load_direct(address, bytes);
		remember(value);
		return value;
	}
	if (!is_in_halves(address, bytes))
		return load_word(address, bytes, order);
	auto* halves = static_cast<const u32*>(address);
	u64 low = load_word(&halves[0], 4, order);
	return low | load_word(&halves[1], 4, order) << 32;
}

void Explorer::store(void* address, u32 bytes, u64 value, Order order)
{
	if (!running_ || scene_.is_left_out(address)) {
		if (running_) {
			memory_.store_left_out(current_);
			remember(value);
		}
		store_direct(address, bytes, value);
		return;
	}
	if (!is_in_halves(address, bytes)) {
		store_word(address, bytes, value, order);
		return;
	}
	auto* halves = static_cast<u32*>(address);
	store_word(&halves[0], 4, static_cast<u32>(value), order);
	store_word(&halves[1], 4, value >> 32, order);
}

/* It fails on any store that it may see and that is another than expected. */
bool Explorer::exchange(void* address, u32 bytes, u64& expected, u64 desired, Order success,
			Order failure)
{
	if (!running_) {
		u64 found = load_direct(address, bytes);
		bool same = found == expected;
		expected = found;
		if (same)
			store_direct(address, bytes, desired);
		return same;
	}
	step();
	if (is_in_halves(address, bytes))
		fail("a compare-and-swap of a word that is two");
	u32 word = word_of(address, bytes);
	u32 back = choose_store(word);
	if (back == 0 && memory_.newest(word) == expected) {
		memory_.exchange(current_, word, desired, success);
		tell("swaps {:#x} for {:#x} at {}", expected, desired, address);
		remember(4);
		return true;
	}
	u64 found = memory_.value(word, back);
	if (found == expected)
		leave(); /* it does not fail on this one */
	memory_.load(current_, word, back, failure);
	tell("finds {:#x} for {:#x} at {}", found, expected, address);
	expected = found;
	remember(found);
	return false;
}

void Explorer::fence(Order order)
{
	if (!running_)
		return;
	step();
	memory_.fence(current_, order);
	tell("{} fence", order == Order::Full      ? "full"
			 : order == Order::Acquire ? "acquire"
						   : "release");
	remember(5);
}

template <typename... Values>
void Explorer::tell(fmt::format_string<Values...> text, Values&&... values)
{
	if (telling_)
		told_ += fmt::format("  thread {} {}\n", current_,
				     fmt::format(text, std::forward<Values>(values)...));
}

} // namespace

Report explore(Scene& scene, const Bounds& bounds)
{
	return std::make_unique<Explorer>(scene, bounds)->explore();
}

void fail(const char* what, const char* file, int line)
{
	Explorer::now->fail(fmt::format("{}:{}: {} does not hold", file, line, what));
}

void sleep()
{
	Explorer::now->sleep();
}

void ring(u32 thread)
{
	Explorer::now->ring(thread);
}

bool has_crashed(u32 thread)
{
	return Explorer::now->has_crashed(thread);
}

bool sleeps(u32 thread)
{
	return Explorer::now->sleeps(thread);
}

u64 load(const void* address, u32 bytes, Order order)
{
	return Explorer::now->load(address, bytes, order);
}

void store(void* address, u32 bytes, u64 value, Order order)
{
	Explorer::now->store(address, bytes, value, order);
}

bool exchange(void* address, u32 bytes, u64& expected, u64 desired, Order success, Order failure)
{
	return Explorer::now->exchange(address, bytes, expected, desired, success, failure);
}

void fence(Order order)
{
	Explorer::now->fence(order);
}

} // namespace shmnet::explore
