# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The bench's tables, and what it is to reach."""
import statistics

# figure, whether less is better, bound relative to the other link, which link
INSTRUCTION_GOALS = {
    "tcp_instructions_per_byte": 1.6,
    "udp_instructions_per_datagram": 1.1,
}
GUEST_GOALS = {
    "tcp_mbit_per_second": (">=", 1.3),
    "udp_delivered_per_second": (">=", 1.0),
    "ping_us": ("<=", 0.8),
}
# figure, what it is called, bound in nanoseconds or bytes
FLOW_FIGURES = {
    "lookup_median": ("lookup, median, ns", 150),
    "lookup_p99": ("lookup, 99th percentile, ns", 400),
    "insert": ("insertion, ns", None),
    "expiry": ("expiry, ns", None),
    "expiry_slice_longest": ("longest slice of expiry, ns", None),
    "bytes_per_flow": ("memory, bytes", None),
}
# Beyond this share of idle time an instruction clock has jumped, and the figure is no count.
IDLE_MAX = 0.01


def print_tables(results):
    if "instructions" in results:
        print_instructions(results["instructions"])
    if "two_guests" in results:
        print_two_guests(results["two_guests"])
    if "flows" in results:
        print_flows(results["flows"])


def verdict(met):
    return "met" if met else "MISSED"


def print_instructions(results):
    print("\nInstructions, one guest, both ends (* idle over 1 %: not a count)")
    print(f"{'figure':32} {'veth':>10} {'shmnet':>10} {'virtio-net':>11} {'to veth':>8}  goal")
    for figure in results["veth"]:
        row = [f"{figure:32}"]
        for link, width in (("veth", 10), ("shmnet", 10), ("virtio-net", 11)):
            row.append(f"{format_count(results[link][figure]):>{width}}")
        ratio = results["shmnet"][figure]["value"] / results["veth"][figure]["value"]
        row.append(f"{ratio:8.2f}")
        goal = INSTRUCTION_GOALS.get(figure)
        row.append(f" <= {goal}: {verdict(ratio <= goal)}" if goal else "")
        print(" ".join(row))


def format_count(figure):
    value = figure["value"]
    text = f"{value:.3f}" if value < 100 else f"{value:,.0f}"
    idle = figure["idle"]
    return text + ("*" if idle is not None and idle > IDLE_MAX else "")


def print_two_guests(results):
    rounds = len(results["shmnet"]["tcp_mbit_per_second"])
    print(f"\nTwo guests, medians of {rounds} interleaved rounds (least .. most)")
    print(f"{'figure':28} {'shmnet':>30} {'virtio-net, tap and bridge':>30} {'ratio':>6}  goal")
    for figure, ours in results["shmnet"].items():
        theirs = results["virtio-net"].get(figure)
        row = [f"{figure:28} {spread(ours):>30}"]
        if theirs:
            ratio = statistics.median(ours) / statistics.median(theirs)
            row.append(f"{spread(theirs):>30} {ratio:6.2f}")
            if figure in GUEST_GOALS:
                sign, goal = GUEST_GOALS[figure]
                met = ratio >= goal if sign == ">=" else ratio <= goal
                row.append(f" {sign} {goal}: {verdict(met)}")
        print(" ".join(row))


def print_flows(results):
    services = results.pop("services")
    tables = [name for name, value in results.items() if isinstance(value, dict)]
    print(f"\nConnection table, {results['flows']:,} flows")
    print(f"{'a flow':28}" + "".join(f"{name:>20}" for name in tables) + "  goal")
    for figure, (title, goal) in FLOW_FIGURES.items():
        row = f"{title:28}"
        for name in tables:
            value = results[name].get(figure)
            row += f"{'-' if value is None else format(value, ',.0f'):>20}"
        if goal:
            row += f"  <= {goal}: {verdict(results['shmnet'][figure] <= goal)}"
        print(row)
    print("\nA service of 64 nodes: its table, and a new flow's node")
    for balance, figures in services.items():
        print(f"{balance:28} {figures['made'] / 1000:12,.1f} us {figures['chosen']:12,.0f} ns"
              f"  <= 500 us: {verdict(figures['made'] <= 500_000)}")


def spread(values):
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} .. {max(values):,.0f})"
