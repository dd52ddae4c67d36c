/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which argument of a system call names the descriptor that is sent on. setsockopt() is among them
 * because clearing UDP_CORK sends what was held back.
 */
#ifndef ATTRIBUTION_CALLS_BPF_H
#define ATTRIBUTION_CALLS_BPF_H

enum call_kind {
	CALL_OTHER,
	CALL_FIRST_ARGUMENT,
	CALL_THIRD_ARGUMENT,
	/* The descriptors lie in the task's memory. */
	CALL_INDIRECT,
};

struct call {
	__u64 number;
	__u64 first;
	__u64 third;
};

#if defined(__TARGET_ARCH_x86)

#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h */

/* arch/x86/entry/syscalls/syscall_64.tbl */
static __always_inline enum call_kind native_kind(__u64 number)
{
	switch (number) {
	case 1:	  /* write */
	case 20:  /* writev */
	case 40:  /* sendfile */
	case 44:  /* sendto */
	case 46:  /* sendmsg */
	case 54:  /* setsockopt */
	case 307: /* sendmmsg */
	case 328: /* pwritev2 */
		return CALL_FIRST_ARGUMENT;
	case 275: /* splice */
		return CALL_THIRD_ARGUMENT;
	case 209: /* io_submit */
	case 426: /* io_uring_enter */
		return CALL_INDIRECT;
	}
	return CALL_OTHER;
}

/* arch/x86/entry/syscalls/syscall_32.tbl */
static __always_inline enum call_kind compat_kind(__u64 number)
{
	switch (number) {
	case 4:	  /* write */
	case 146: /* writev */
	case 187: /* sendfile */
	case 239: /* sendfile64 */
	case 345: /* sendmmsg */
	case 366: /* setsockopt */
	case 369: /* sendto */
	case 370: /* sendmsg */
	case 379: /* pwritev2 */
		return CALL_FIRST_ARGUMENT;
	case 313: /* splice */
		return CALL_THIRD_ARGUMENT;
	case 102: /* socketcall */
	case 248: /* io_submit */
	case 426: /* io_uring_enter */
		return CALL_INDIRECT;
	}
	return CALL_OTHER;
}

static __always_inline void read_call(struct call *call, const void *registers, const bool direct)
{
	struct pt_regs *saved = TYPED(direct, registers, struct pt_regs);

	call->third = FIELD(direct, saved, dx);
	call->first = FIELD(direct, saved, di);
	call->number = FIELD(direct, saved, orig_ax);
}

/* Number and first argument of a call that is not a 32-bit program's. */
static __always_inline bool read_native_call(__u64 *number, __u64 *first, struct task_struct *task,
					     const void *registers, const bool direct)
{
	struct pt_regs *saved = TYPED(direct, registers, struct pt_regs);

	*number = FIELD(direct, saved, orig_ax);
	*first = FIELD(direct, saved, di);
	return !(FIELD(direct, task, thread_info.status) & TS_COMPAT);
}

static __always_inline enum call_kind call_kind(struct call *call, struct task_struct *task,
						const void *registers, const bool direct)
{
	enum call_kind kind;

	if (!(FIELD(direct, task, thread_info.status) & TS_COMPAT))
		return native_kind(call->number);
	kind = compat_kind((__u32)call->number);
	/* bx holds the first argument of the 32-bit calls, dx the third of both. */
	if (kind == CALL_FIRST_ARGUMENT)
		bpf_probe_read_kernel(&call->first, sizeof(call->first),
				      registers + bpf_core_field_offset(struct pt_regs, bx));
	return kind;
}

static __always_inline __u64 registers_size(void)
{
	return bpf_core_type_size(struct pt_regs);
}

#elif defined(__TARGET_ARCH_arm64)

/* include/uapi/asm-generic/unistd.h */
static __always_inline enum call_kind native_kind(__u64 number)
{
	switch (number) {
	case 64:  /* write */
	case 66:  /* writev */
	case 71:  /* sendfile */
	case 206: /* sendto */
	case 208: /* setsockopt */
	case 211: /* sendmsg */
	case 269: /* sendmmsg */
	case 287: /* pwritev2 */
		return CALL_FIRST_ARGUMENT;
	case 76: /* splice */
		return CALL_THIRD_ARGUMENT;
	case 2:	  /* io_submit */
	case 426: /* io_uring_enter */
		return CALL_INDIRECT;
	}
	return CALL_OTHER;
}

static __always_inline void read_call(struct call *call, const void *registers, const bool direct)
{
	struct pt_regs___saved_arm64 *saved = (void *)registers;

	call->number = (__u32)BPF_CORE_READ(saved, syscallno);
	call->first = BPF_CORE_READ(saved, orig_x0);
	call->third = BPF_CORE_READ(saved, regs[2]);
}

static __always_inline bool read_native_call(__u64 *number, __u64 *first, struct task_struct *task,
					     const void *registers, const bool direct)
{
	struct call call;

	read_call(&call, registers, direct);
	*number = call.number;
	*first = call.first;
	return true;
}

static __always_inline enum call_kind call_kind(struct call *call, struct task_struct *task,
						const void *registers, const bool direct)
{
	return native_kind(call->number);
}

static __always_inline __u64 registers_size(void)
{
	return bpf_core_type_size(struct pt_regs___saved_arm64);
}

#else
#error "no table of system calls for this architecture"
#endif

#endif
