/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF object and user space tell each other. Fields are ordered so that nothing is padded;
 * times are nanoseconds of CLOCK_BOOTTIME; numbers are in host order, packet bytes as on the wire.
 */
#ifndef ATTRIBUTION_EVENTS_H
#define ATTRIBUTION_EVENTS_H

#include <linux/types.h>

/* IP, the longest IPv4 options or several IPv6 extension headers, UDP or ICMP, 16 payload bytes. */
#define ATTRIBUTION_DEFAULT_BYTES 96
/* The same twice, with an Ethernet header and a tunnel's own between them. */
#define ATTRIBUTION_ENCAPSULATED_BYTES 192
#define ATTRIBUTION_MAX_BYTES	       16384
#define ATTRIBUTION_PATH_BYTES	       1024
/* A name may begin at the last byte of the path, and has at most 255 bytes and a NUL. */
#define ATTRIBUTION_PATH_AREA		(ATTRIBUTION_PATH_BYTES + 256)
#define ATTRIBUTION_ARGUMENT_BYTES	4096
#define ATTRIBUTION_LAYOUT_CANDIDATES	8
#define ATTRIBUTION_FORWARD_FLOWS	16384
#define ATTRIBUTION_FORWARD_INTERVAL_NS 1000000000ULL

/* Bits of attribution_config.protocols. */
enum attribution_protocol {
	ATTRIBUTION_PROTOCOL_UDP = 1,
	ATTRIBUTION_PROTOCOL_ICMP = 2,
	ATTRIBUTION_PROTOCOL_ICMPV6 = 4,
};

/* Index of attribution_shared.lost_records. */
enum attribution_kind {
	ATTRIBUTION_KIND_SEND = 0,
	ATTRIBUTION_KIND_KERNEL = 1,
	ATTRIBUTION_KIND_FORWARDED = 2,
	ATTRIBUTION_KIND_PROCESS = 3,
	ATTRIBUTION_KINDS = 4,
};

/* The whole of .rodata. */
struct attribution_config {
	__u32 only_ifindex;  /* 0: any */
	__u32 only_netns;    /* 0: any */
	__u32 snap_length;   /* bytes from the IP header, at most ATTRIBUTION_MAX_BYTES */
	__u32 protocols;     /* enum attribution_protocol */
	__u32 record_kernel; /* packets made on the kernel's sockets, or without any */
	__u32 record_forwarded;
	__u32 slot_mask; /* slots less one, of which there is a power of two; 0: none */
	__u32 reserved;
};

enum attribution_path {
	ATTRIBUTION_PATH_CGROUP_EGRESS = 0,
	ATTRIBUTION_PATH_PACKET_SOCKET = 1,
	/* net_dev_queue, for what IPVS sends past the egress hook. */
	ATTRIBUTION_PATH_TRANSMIT = 2,
};

enum attribution_proof {
	/* No register layout is known: the current task is all there is. */
	ATTRIBUTION_PROOF_NONE = 0,
	/* The task's system call names the packet's socket. */
	ATTRIBUTION_PROOF_SYSTEM_CALL = 1,
	/* io_uring or aio sends for the task, and the task holds the socket. */
	ATTRIBUTION_PROOF_SUBMISSION = 2,
	/* The context was borrowed: the task named here is not known to be the sender. */
	ATTRIBUTION_PROOF_REJECTED = 3,
	/* The same, and the task is giving a verdict on a packet of a netfilter queue. */
	ATTRIBUTION_PROOF_REINJECTED = 4,
};

/* What is known of the socket of a re-injected packet: bits of attribution_send.socket. */
enum attribution_socket_state {
	ATTRIBUTION_SOCKET_CONNECTED = 1,
	/* A kernel tunnel sends on it too. */
	ATTRIBUTION_SOCKET_ENCAPSULATES = 2,
	ATTRIBUTION_SOCKET_UDP = 4,
};

struct attribution_task {
	__u64 start_time; /* of the thread group's leader */
	__u64 cgroup;	  /* of the unified hierarchy */
	__u32 tgid;
	__u32 tid;
	__u32 image_version; /* task_struct.self_exec_id */
	__u32 euid;
	__u32 egid;
	__u32 flags;   /* task_struct.flags */
	__u64 comm[2]; /* 16 bytes in memory order */
};

struct attribution_packet {
	__u32 netns; /* inode of the device's namespace */
	__u32 ifindex;
	__u32 length;	    /* from the IP header on */
	__u16 captured;	    /* bytes that follow */
	__u16 segment_size; /* UDP_SEGMENT, or 0 */
};

/* The packet's first bytes follow; where it was translated an attribution_tuple ends the record. */
struct attribution_send {
	__u64 time;
	__u64 socket_cookie;
	struct attribution_task sender;
	struct attribution_packet packet;
	__u8 path;   /* enum attribution_path */
	__u8 proof;  /* enum attribution_proof */
	__u8 socket; /* enum attribution_socket_state, of re-injected packets */
	__u8 translated;
	__u32 sequence; /* of records in slots */
};

/*
 * Where most send records go: of one size, so that a lock-free ring of them needs no room to be
 * found. It is written at `sent % slots` and is whole once `sequence` has the low bits of one more
 * than `sent` was. Three cache lines: what one CPU writes and another reads costs by the line.
 */
struct attribution_slot {
	struct attribution_send record;
	__u8 bytes[ATTRIBUTION_DEFAULT_BYTES];
};

/* A packet's tuple before translation, in network byte order, IPv4 in the first word. */
struct attribution_tuple {
	__u32 source[4];
	__u32 destination[4];
	__u16 source_port; /* of ICMP the identifier */
	__u16 destination_port;
};

enum attribution_socket_event_kind {
	ATTRIBUTION_SOCKET_CREATED = 0,
	/* Before the packet is made; unconnected UDP only. */
	ATTRIBUTION_SOCKET_SENDING = 1,
	/* When the send has returned; any kind of socket. */
	ATTRIBUTION_SOCKET_SENT = 2,
};

/* Who does what with a socket. */
struct attribution_socket_event {
	__u64 time;
	__u64 socket_cookie;
	struct attribution_task task;
	__u8 kind; /* enum attribution_socket_event_kind */
	__u8 reserved[7];
};

/* The packet's first bytes follow. */
struct attribution_wire {
	__u64 time;
	struct attribution_packet packet;
	__u32 ingress_ifindex; /* forwarded packets only */
	__u8 forwarded;
	__u8 kernel_socket;
	__u8 translated;
	__u8 at_port;			 /* made here: it left by a port of a bridge or bond */
	struct attribution_tuple before; /* where it was translated */
	/* From the IP header to that of the packet inside, where the kernel wrapped one; else 0. */
	__u16 inner_offset;
	__u16 reserved;
};

enum attribution_process_event {
	ATTRIBUTION_PROCESS_SNAPSHOT = 0,
	ATTRIBUTION_PROCESS_FORK = 1,
	ATTRIBUTION_PROCESS_EXEC = 2,
	ATTRIBUTION_PROCESS_RENAME = 3,
	ATTRIBUTION_PROCESS_EXIT = 4,
};

struct attribution_process {
	__u64 time;
	struct attribution_task task;
	__u64 parent_start_time;
	__u64 origin_start_time; /* fork: of the process that was copied; CLONE_PARENT makes */
	__u32 origin_tgid;	 /* it another one than the parent */
	__u32 parent_tgid;
	__u32 inner_tgid;      /* in the innermost pid namespace */
	__u32 mount_namespace; /* inodes, 0 where there is none any more */
	__u32 user_namespace;
	__u8 event;	  /* enum attribution_process_event */
	__u8 last_thread; /* exit: the process is over */
	__u8 reserved[2];
};

/* What the file that an image came from was when the record was made. */
enum attribution_image_file {
	ATTRIBUTION_IMAGE_LINKED = 0,
	ATTRIBUTION_IMAGE_UNLINKED = 1,
	ATTRIBUTION_IMAGE_MEMFD = 2,
};

/*
 * exec and snapshot. ATTRIBUTION_PATH_AREA bytes follow: names from the file up to the root of its
 * mount tree, each ended by a NUL. Of an exec ATTRIBUTION_ARGUMENT_BYTES come behind them.
 */
struct attribution_image {
	struct attribution_process process;
	__u16 path_length;
	__u16 argument_length;
	__u8 path_cut;
	__u8 arguments_cut;
	__u8 file; /* enum attribution_image_file */
	__u8 reserved;
	/* Which file it is: inode, and the device and magic number of its super block. */
	__u64 inode;
	__u32 device; /* dev_t as the kernel has it: the minor number in the low 20 bits */
	__u32 file_system;
};

struct attribution_answer {
	__u64 call;
	__u64 descriptor;
	__u64 matches; /* the descriptor leads to the packet's socket */
};

/* What calibration asks for, and what each candidate layout reads at the last packet. */
struct attribution_calibration {
	__u64 socket_cookie; /* only this socket's packets */
	__u64 packets;
	__u64 registers_size;				 /* of this kernel's struct pt_regs */
	__u64 candidates[ATTRIBUTION_LAYOUT_CANDIDATES]; /* end of pt_regs from task_struct.stack */
	struct attribution_answer answers[ATTRIBUTION_LAYOUT_CANDIDATES];
};

/* The whole of .bss. What is written often has a cache line of its own. */
struct attribution_shared {
	__u64 registers_offset; /* of struct pt_regs from task_struct.stack; 0: not known */
	__u64 clock_tick;	/* when the next field was looked at, in jiffies */
	__u64 boot_offset;	/* of the boot clock from the monotonic one */
	__u64 rest_of_line[5];
	__u64 slots_taken; /* by the programs */
	__u64 rest_of_taken_line[7];
	__u64 slots_read; /* by user space, which gives back many at once */
	__u64 rest_of_read_line[7];
	__u64 lost_records[ATTRIBUTION_KINDS]; /* found no room */
	__u64 lost_socket_events;
	__u64 rest_of_lost_line[3];
	struct attribution_calibration calibration;
};

_Static_assert(sizeof(struct attribution_config) == 32, "no padding");
_Static_assert(sizeof(struct attribution_task) == 56, "no padding");
_Static_assert(sizeof(struct attribution_packet) == 16, "no padding");
_Static_assert(sizeof(struct attribution_send) == 96, "no padding");
_Static_assert(__builtin_offsetof(struct attribution_send, sequence) == 92, "the last field");
_Static_assert(sizeof(struct attribution_slot) == 192, "no padding");
_Static_assert(sizeof(struct attribution_wire) == 72, "no padding");
_Static_assert(sizeof(struct attribution_tuple) == 36, "no padding");
_Static_assert(sizeof(struct attribution_socket_event) == 80, "no padding");
_Static_assert(sizeof(struct attribution_process) == 104, "no padding");
_Static_assert(sizeof(struct attribution_image) == 128, "no padding");

#endif
