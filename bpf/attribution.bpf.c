// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who handed each UDP and ICMP packet to the network stack. Only cgroup hooks and tracepoints:
 * kernels built without kprobes and fentry run it too, and one object serves Linux 5.10 to 6.18.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "include/attribution_events.h"
#include "lib/kernel.bpf.h"
#include "lib/maps.bpf.h"
#include "lib/read.bpf.h"
#include "lib/clock.bpf.h"
#include "lib/egress.bpf.h"
#include "lib/process.bpf.h"
#include "lib/socket.bpf.h"
#include "lib/transmit.bpf.h"

/* Of a `direct` and a `portable` program the first is loaded where the kernel has what it needs. */
SEC("cgroup_skb/egress")
int egress_direct(struct __sk_buff *context)
{
	egress(context, true);
	return PASS;
}

SEC("cgroup_skb/egress")
int egress_portable(struct __sk_buff *context)
{
	egress(context, false);
	return PASS;
}

/* Attached while the tool sends itself datagrams, before anything else is. */
SEC("cgroup_skb/egress")
int calibrate(struct __sk_buff *context)
{
	struct task_struct *task = current_task(false);
	struct sock *sk = BPF_CORE_READ(kernel_skb(context, false), sk);
	struct attribution_calibration *calibration = &shared.calibration;
	struct call call;

	if (!calibration->socket_cookie ||
	    bpf_get_socket_cookie(context) != calibration->socket_cookie)
		return PASS;
	calibration->packets++;
	calibration->registers_size = registers_size();
	for (int index = 0; index < ATTRIBUTION_LAYOUT_CANDIDATES; index++) {
		struct attribution_answer *answer = &calibration->answers[index];
		__u64 top = calibration->candidates[index];

		read_call(&call, BPF_CORE_READ(task, stack) + top - registers_size(), false);
		answer->call = call.number;
		answer->descriptor = call.first;
		answer->matches = descriptor_socket(task, call.first, false) == sk;
	}
	return PASS;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task)
{
	record_exec(task);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	record_process(child, parent, ATTRIBUTION_PROCESS_FORK);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	record_process(task, NULL, ATTRIBUTION_PROCESS_EXIT);
	return 0;
}

SEC("tp_btf/task_rename")
int BPF_PROG(process_rename, struct task_struct *task, const char *name)
{
	if (!is_in_exec(task))
		record_rename(task, name);
	return 0;
}

/* Processes that are older than the tool. */
SEC("iter/task")
int process_snapshot(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;

	if (task && task->pid == task->tgid)
		write_snapshot(context->meta->seq, task);
	return 0;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(transmit_direct, struct sk_buff *skb)
{
	transmit(skb, true);
	return 0;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(transmit_portable, struct sk_buff *skb)
{
	transmit(skb, false);
	return 0;
}

SEC("cgroup/sock_create")
int socket_created(struct bpf_sock *context)
{
	if (context->type == SOCK_DGRAM || context->type == SOCK_RAW)
		record_socket_event(bpf_get_socket_cookie(context), ATTRIBUTION_SOCKET_CREATED);
	return PASS;
}

SEC("cgroup/sendmsg4")
int socket_sending4(struct bpf_sock_addr *context)
{
	record_socket_event(bpf_get_socket_cookie(context), ATTRIBUTION_SOCKET_SENDING);
	return PASS;
}

SEC("cgroup/sendmsg6")
int socket_sending6(struct bpf_sock_addr *context)
{
	record_socket_event(bpf_get_socket_cookie(context), ATTRIBUTION_SOCKET_SENDING);
	return PASS;
}

/* From Linux 6.4 on. A failed send left no packet that could be held. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_sent, struct sock *sk, int result)
{
	if (result >= 0 && sends_packets(sk))
		record_socket_event(bpf_get_socket_cookie(sk), ATTRIBUTION_SOCKET_SENT);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
