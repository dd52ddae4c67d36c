/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who makes and who uses a socket. Uses are recorded only while a netfilter queue is about: a
 * packet that its daemon re-injects carries its socket and nothing else of its sender.
 */
#ifndef ATTRIBUTION_SOCKET_BPF_H
#define ATTRIBUTION_SOCKET_BPF_H

#include "task.bpf.h"

static __always_inline void record_socket_event(__u64 cookie,
						enum attribution_socket_event_kind kind)
{
	struct attribution_socket_event *event =
		bpf_ringbuf_reserve(&socket_events, sizeof(*event), 0);

	if (!event) {
		count_one(&shared.lost_socket_events);
		return;
	}
	event->time = bpf_ktime_get_boot_ns();
	event->socket_cookie = cookie;
	event->kind = kind;
	describe_task(&event->task, current_task(false), false);
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

static __always_inline bool sends_packets(struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u16 type = BPF_CORE_READ(sk, sk_type);

	return (family == AF_INET || family == AF_INET6) &&
	       (type == SOCK_DGRAM || type == SOCK_RAW);
}

#endif
