#define _GNU_SOURCE
#include "modes.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 6.6; the headers that this is built with may be older. */
enum { TCX_EGRESS = 47, TCX_NEXT = -1 };
enum { ROOM_FOR_PORT = -8, ROOM_FOR_ADDRESS = -32 };
/* struct __sk_buff, include/uapi/linux/bpf.h */
enum { PROTOCOL_FIELD = offsetof(struct __sk_buff, protocol) };

#define MOVE(to, from)                                                                             \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from)            \
	}
#define SET(to, value)                                                                             \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (value)               \
	}
#define ADD(to, value)                                                                             \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (to), .imm = (value)               \
	}
#define CALL(function) ((struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = (function)})
#define LOAD(size, to, from, offset)                                                               \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_LDX | BPF_MEM | (size), .dst_reg = (to), .src_reg = (from),            \
		.off = (offset)                                                                    \
	}
#define STORE_WORD(offset, value)                                                                  \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = (offset), .imm = (value)   \
	}
#define SKIP_UNLESS_EQUAL(reg, value, count)                                                       \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = (reg), .imm = (value),               \
		.off = (count)                                                                     \
	}

/*
 * Translates without a connection table, as load balancers in BPF do: what leaves --interface for
 * UDP port --port gets the address --source. Checksums are not mended; nobody looks at them here.
 */
void mode_rewrite(const struct lab_options *options)
{
	struct sockaddr_storage source = lab_address(options->source, options->family, 0);
	bool is_v4 = options->family == AF_INET;
	int address_length = is_v4 ? 4 : 16;
	int network_length = is_v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	int address_offset = ETH_HLEN + (is_v4 ? (int)offsetof(struct iphdr, saddr)
					       : (int)offsetof(struct ip6_hdr, ip6_src));
	int port_offset = ETH_HLEN + network_length + (int)offsetof(struct udphdr, uh_dport);
	int words[4] = {0};

	if (is_v4)
		memcpy(words, &((struct sockaddr_in *)&source)->sin_addr, 4);
	else
		memcpy(words, &((struct sockaddr_in6 *)&source)->sin6_addr, 16);
	struct bpf_insn program[] = {
		MOVE(6, 1),
		LOAD(BPF_W, 1, 6, PROTOCOL_FIELD),
		SKIP_UNLESS_EQUAL(1, htons(is_v4 ? ETH_P_IP : ETH_P_IPV6), 20),
		MOVE(1, 6),
		SET(2, port_offset),
		MOVE(3, 10),
		ADD(3, ROOM_FOR_PORT),
		SET(4, 2),
		CALL(BPF_FUNC_skb_load_bytes),
		SKIP_UNLESS_EQUAL(0, 0, 13),
		LOAD(BPF_H, 1, 10, ROOM_FOR_PORT),
		SKIP_UNLESS_EQUAL(1, htons(options->port), 11),
		STORE_WORD(ROOM_FOR_ADDRESS, words[0]),
		STORE_WORD(ROOM_FOR_ADDRESS + 4, words[1]),
		STORE_WORD(ROOM_FOR_ADDRESS + 8, words[2]),
		STORE_WORD(ROOM_FOR_ADDRESS + 12, words[3]),
		MOVE(1, 6),
		SET(2, address_offset),
		MOVE(3, 10),
		ADD(3, ROOM_FOR_ADDRESS),
		SET(4, address_length),
		SET(5, 0),
		CALL(BPF_FUNC_skb_store_bytes),
		SET(0, TCX_NEXT),
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.license = (uintptr_t) "GPL",
	};
	union bpf_attr attach = {
		.target_fd = lab_interface_index(options),
		.attach_type = TCX_EGRESS,
	};

	attach.attach_bpf_fd = LAB_CHECK(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load)));
	LAB_CHECK(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)));
}
