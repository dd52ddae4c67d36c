/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef ATTRIBUTION_MAPS_BPF_H
#define ATTRIBUTION_MAPS_BPF_H

const volatile struct attribution_config config;

/* Known only after the object is loaded, so not in the read-only part; the whole of .bss. */
struct attribution_shared shared;

/* A ring a kind: a flood of one kind cannot push out another. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} send_records SEC(".maps");

/* The number is set before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct attribution_slot);
} send_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} kernel_records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} forwarded_records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} process_records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 * 1024 * 1024);
} socket_events SEC(".maps");

#define RECENT_FLOW_BITS 10

/* One record a second stands for the packets of a forwarded flow. */
struct flow {
	__u32 netns;
	__u32 ingress_ifindex;
	__u64 addresses[4];
	__u32 ports; /* ICMP: type, code and identifier */
	__u32 protocol;
};

struct flow_times {
	__u64 recorded; /* boot time of the last record */
	__u64 seen;	/* tick of the last look at the clock */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ATTRIBUTION_FORWARD_FLOWS);
	__type(key, struct flow);
	__type(value, struct flow_times);
} forwarded_flows SEC(".maps");

/*
 * What a CPU found in that table in this tick: a lookup there costs more than everything else about
 * a forwarded packet. A tracepoint's program is not interrupted by itself.
 */
struct recent_flow {
	struct flow flow;
	__u64 seen; /* tick */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << RECENT_FLOW_BITS);
	__type(key, __u32);
	__type(value, struct recent_flow);
} recent_flows SEC(".maps");

/* Too large for the stack; only the one reader of the snapshot uses it. */
struct snapshot_buffer {
	struct attribution_image image;
	__u8 path[ATTRIBUTION_PATH_AREA];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct snapshot_buffer);
} snapshot_buffers SEC(".maps");

/* What follows a record's fixed part: Swift has no flexible array members. */
#define AFTER(record) ((__u8 *)((record) + 1))

/*
 * Atomic, for a softirq may come in between; written out, for the compiler's own form returns the
 * old value, which is an instruction of 5.12.
 */
static __always_inline void count_one(__u64 *count)
{
	asm volatile("lock *(u64 *)(%[count] + 0) += %[one]"
		     :
		     : [count] "r"(count), [one] "r"(1ULL)
		     : "memory");
}

static __always_inline void count_lost(enum attribution_kind kind)
{
	count_one(&shared.lost_records[kind]);
}

#endif
