/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two ways to read the kernel's memory. Direct loads through typed pointers cost about a nanosecond
 * but need kernel functions of 6.2; bpf_probe_read_kernel() costs several and works everywhere. The
 * same source makes both programs: `direct` is a constant wherever these are used.
 */
#ifndef ATTRIBUTION_READ_BPF_H
#define ATTRIBUTION_READ_BPF_H

extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak;
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

#define FIELD(direct, source, ...)                                                                 \
	((direct) ? ___arrow(source, __VA_ARGS__) : BPF_CORE_READ(source, __VA_ARGS__))

/* A pointer that the kernel keeps untyped. */
#define TYPED(direct, pointer, kind)                                                               \
	((direct) ? (kind *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(kind))                \
		  : (kind *)(pointer))

/* A pointer read from where the kernel keeps an array of them. */
static __always_inline void *slot(const void *address, const bool direct)
{
	void *content = NULL;

	/* Any structure that begins with a pointer does. */
	if (direct)
		return TYPED(direct, address, struct list_head)->next;
	bpf_probe_read_kernel(&content, sizeof(content), address);
	return content;
}

/* Eight bytes of any memory. */
static __always_inline __u64 word(const void *address, const bool direct)
{
	__u64 content = 0;

	if (direct)
		return TYPED(direct, address, struct timespec64)->tv_sec;
	bpf_probe_read_kernel(&content, sizeof(content), address);
	return content;
}

static __always_inline struct task_struct *current_task(const bool direct)
{
	if (direct)
		return (struct task_struct *)bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

#endif
