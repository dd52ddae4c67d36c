/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is the current task the packet's sender? Not always: a queue daemon re-injects other processes'
 * packets, tunnels send on a user's socket from a softirq, and a softirq runs on whichever task it
 * interrupts. The task's system call has to name a descriptor that leads to the packet's socket.
 */
#ifndef ATTRIBUTION_GUARD_BPF_H
#define ATTRIBUTION_GUARD_BPF_H

#include "calls.bpf.h"

/* Descriptors looked through for a socket whose descriptor the system call does not name. */
#define HELD_DESCRIPTORS 1024
#define HELD_STEP	 8

static __always_inline struct sock *descriptor_socket(struct task_struct *task, __u32 descriptor,
						      const bool direct)
{
	struct fdtable *table = FIELD(direct, task, files, fdt);
	struct file **slots = FIELD(direct, table, fd);
	struct socket *socket;
	struct file *file;

	if (descriptor >= FIELD(direct, table, max_fds))
		return NULL;
	file = TYPED(direct, slot(slots + descriptor, direct), struct file);
	if (!file)
		return NULL;
	/*
	 * Of a file that is no socket this reads unrelated memory, which cannot hold the address of
	 * the socket that is being sent on.
	 */
	socket = TYPED(direct, FIELD(direct, file, private_data), struct socket);
	return FIELD(direct, socket, sk);
}

/* io_uring and aio name the descriptor in memory, if at all: the task must hold the socket then. */
static __noinline bool holds_socket(struct task_struct *task, struct sock *sk)
{
	struct file *file = BPF_CORE_READ(sk, sk_socket, file);
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd);
	__u32 count = BPF_CORE_READ(table, max_fds);

	if (!file)
		return false;
	for (__u32 base = 0; base < HELD_DESCRIPTORS; base += HELD_STEP) {
		struct file *held[HELD_STEP] = {};

		/* Tables have a multiple of BITS_PER_LONG slots. */
		if (base + HELD_STEP > count)
			return false;
		bpf_probe_read_kernel(held, sizeof(held), slots + base);
		for (int index = 0; index < HELD_STEP; index++) {
			/* Merged into one condition they are too many paths to verify. */
			barrier_var(file);
			if (held[index] == file)
				return true;
		}
	}
	return false;
}

static __always_inline enum call_kind current_call(struct call *call, struct task_struct *task,
						   __u64 offset, const bool direct)
{
	const void *registers = FIELD(direct, task, stack) + offset;

	read_call(call, registers, direct);
	return call_kind(call, task, registers, direct);
}

static __always_inline bool call_names_socket(const struct call *call, enum call_kind kind,
					      struct task_struct *task, struct sock *sk,
					      const bool direct)
{
	if (kind == CALL_FIRST_ARGUMENT)
		return descriptor_socket(task, call->first, direct) == sk;
	if (kind == CALL_THIRD_ARGUMENT)
		return descriptor_socket(task, call->third, direct) == sk;
	return false;
}

/* True only if call_names_socket() is. */
static __always_inline bool usual_call_names_socket(struct task_struct *task, const void *registers,
						    struct sock *sk, const bool direct)
{
	__u64 number, first;

	if (!read_native_call(&number, &first, task, registers, direct) ||
	    native_kind(number) != CALL_FIRST_ARGUMENT)
		return false;
	return descriptor_socket(task, first, direct) == sk;
}

/*
 * Kernels before 5.12 run io_uring's workers as kernel threads that borrow the memory of the
 * process they work for; its owner is then the sender, never the thread.
 */
static __always_inline struct task_struct *borrowed_owner(struct task_struct *task,
							  const bool direct)
{
	struct mm_struct *memory = FIELD(direct, task, mm);

	if (!memory || !bpf_core_field_exists(memory->owner))
		return NULL;
	return FIELD(direct, memory, owner);
}

/*
 * The task answers a netfilter queue: it is the daemon, and carries the packet for somebody else.
 * Other borrowed contexts are told apart, since a tunnel's outer packets are not its socket's
 * users'.
 */
static __noinline bool answers_queue(struct task_struct *task, __u32 descriptor)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd);
	struct file *file = NULL;
	struct socket *socket;
	struct sock *sk;

	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return false;
	bpf_probe_read_kernel(&file, sizeof(file), slots + descriptor);
	if (!file)
		return false;
	socket = BPF_CORE_READ((struct file *)file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	/* A file that is no socket has none that leads back to it. */
	return sk && BPF_CORE_READ(sk, sk_socket) == socket &&
	       BPF_CORE_READ(sk, __sk_common.skc_family) == AF_NETLINK &&
	       BPF_CORE_READ(sk, sk_protocol) == NETLINK_NETFILTER;
}

static __always_inline enum attribution_proof judge(struct task_struct **sender, struct sock *sk,
						    const bool direct)
{
	__u64 offset = shared.registers_offset;
	struct task_struct *task = *sender;
	__u32 flags = FIELD(direct, task, flags);
	enum call_kind kind = CALL_OTHER;
	struct call call;

	if (flags & PF_KTHREAD) {
		task = borrowed_owner(task, direct);
		if (!task || !holds_socket(task, sk))
			return ATTRIBUTION_PROOF_REJECTED;
		*sender = task;
		return ATTRIBUTION_PROOF_SUBMISSION;
	}
	if (offset) {
		kind = current_call(&call, task, offset, direct);
		if (call_names_socket(&call, kind, task, sk, direct))
			return ATTRIBUTION_PROOF_SYSTEM_CALL;
	}
	/*
	 * io_uring sends from a worker or in its own system call. It may also send on the way out
	 * of any other, but that looks the same as a queue daemon that has a ring and shares the
	 * socket: the sender of such a packet is not known.
	 */
	if ((flags & PF_IO_WORKER) || kind == CALL_INDIRECT)
		if (holds_socket(task, sk))
			return ATTRIBUTION_PROOF_SUBMISSION;
	if (kind == CALL_FIRST_ARGUMENT && answers_queue(task, call.first))
		return ATTRIBUTION_PROOF_REINJECTED;
	/* Not knowing the registers, at least a task that cannot use the socket is ruled out. */
	if (!offset && holds_socket(task, sk))
		return ATTRIBUTION_PROOF_NONE;
	return ATTRIBUTION_PROOF_REJECTED;
}

static __noinline enum attribution_proof judge_direct(struct task_struct **sender, struct sock *sk)
{
	return judge(sender, sk, true);
}

static __noinline enum attribution_proof judge_portable(struct task_struct **sender,
							struct sock *sk)
{
	return judge(sender, sk, false);
}

/*
 * The usual send is told first, in as little code as possible: what is executed lies in few lines
 * of the cache then. Whatever is not as usual is judged from the beginning.
 */
static __always_inline enum attribution_proof prove(struct task_struct **sender, struct sock *sk,
						    const bool direct)
{
	__u64 offset = shared.registers_offset;
	struct task_struct *task = *sender;

	if (offset && !(FIELD(direct, task, flags) & PF_KTHREAD) &&
	    usual_call_names_socket(task, FIELD(direct, task, stack) + offset, sk, direct))
		return ATTRIBUTION_PROOF_SYSTEM_CALL;
	return direct ? judge_direct(sender, sk) : judge_portable(sender, sk);
}

#endif
