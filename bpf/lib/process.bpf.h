/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a process is: who it comes from, what it runs. A process that lived one millisecond still
 * has a name, a path and arguments.
 */
#ifndef ATTRIBUTION_PROCESS_BPF_H
#define ATTRIBUTION_PROCESS_BPF_H

#include "task.bpf.h"

#define PATH_COMPONENTS 48

static __always_inline void describe_process(struct attribution_process *record,
					     struct task_struct *task,
					     enum attribution_process_event event)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct task_struct *parent = BPF_CORE_READ(leader, real_parent, group_leader);
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	/* numbers[] grows with the level; CO-RE knows the size of one element. */
	void *innermost = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			  level * bpf_core_type_size(struct upid) +
			  bpf_core_field_offset(struct upid, nr);

	describe_task(&record->task, task, false);
	record->parent_start_time = BPF_CORE_READ(parent, start_boottime);
	record->parent_tgid = BPF_CORE_READ(parent, tgid);
	record->inner_tgid = 0;
	bpf_probe_read_kernel(&record->inner_tgid, sizeof(record->inner_tgid), innermost);
	record->origin_start_time = 0;
	record->origin_tgid = 0;
	record->mount_namespace = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	record->user_namespace = BPF_CORE_READ(task, cred, user_ns, ns.inum);
	record->event = event;
	record->last_thread = 0;
}

struct path_walk {
	struct dentry *dentry;
	struct vfsmount *mount;
};

/* One step towards the root; false at the root of the mount tree. */
static __always_inline bool step_up(struct path_walk *walk)
{
	struct dentry *dentry = walk->dentry;
	struct vfsmount *visible = walk->mount;
	struct mount *mount, *above;

	if (dentry != BPF_CORE_READ(visible, mnt_root)) {
		walk->dentry = BPF_CORE_READ(dentry, d_parent);
		return walk->dentry != dentry;
	}
	mount = (void *)visible - bpf_core_field_offset(struct mount, mnt);
	above = BPF_CORE_READ(mount, mnt_parent);
	if (above == mount)
		return false;
	walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
	walk->mount = (void *)above + bpf_core_field_offset(struct mount, mnt);
	return true;
}

static __always_inline __u8 image_file(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

	if (!file || BPF_CORE_READ(dentry, d_inode, i_nlink))
		return ATTRIBUTION_IMAGE_LINKED;
	/* A memfd's dentry hangs nowhere: neither in a directory nor as the root of its mount. */
	if (BPF_CORE_READ(dentry, d_parent) == dentry &&
	    BPF_CORE_READ(file, f_path.mnt, mnt_root) != dentry)
		return ATTRIBUTION_IMAGE_MEMFD;
	return ATTRIBUTION_IMAGE_UNLINKED;
}

/*
 * procfs leads to what the process says is its image (PR_SET_MM_EXE_FILE); an exec's record has the
 * true one.
 */
static __always_inline void describe_file(struct attribution_image *record, struct inode *inode)
{
	record->inode = BPF_CORE_READ(inode, i_ino);
	record->device = BPF_CORE_READ(inode, i_sb, s_dev);
	record->file_system = BPF_CORE_READ(inode, i_sb, s_magic);
}

/* bpf_d_path() may be called from a few fentry hooks only; these do not load on every kernel. */
static __always_inline void describe_image(struct attribution_image *record,
					   struct task_struct *task)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	struct path_walk walk = {
		.dentry = BPF_CORE_READ(file, f_path.dentry),
		.mount = BPF_CORE_READ(file, f_path.mnt),
	};

	record->file = image_file(file);
	describe_file(record, BPF_CORE_READ(file, f_path.dentry, d_inode));
	record->path_length = 0;
	record->path_cut = 1;
	if (!file)
		return;
	for (int count = 0; count < PATH_COMPONENTS; count++) {
		struct dentry *dentry = walk.dentry;
		struct vfsmount *mount = walk.mount;
		/* A mount's root has no name of its own there: what it is mounted on has. */
		bool is_named = dentry != BPF_CORE_READ(mount, mnt_root);
		const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
		/* Kept in the record: of what comes from there the verifier assumes nothing. */
		__u64 offset = record->path_length;
		long copied;

		if (offset >= ATTRIBUTION_PATH_BYTES)
			break;
		/* Older verifiers forget the comparison when the register is spilled. */
		barrier_var(offset);
		offset &= ATTRIBUTION_PATH_BYTES - 1;
		if (is_named) {
			copied = bpf_probe_read_kernel_str(AFTER(record) + offset, 256, name);
			if (copied <= 0)
				break;
			record->path_length = offset + copied;
		}
		/* Where there is no way up, this is the root, or a file of no tree as a memfd's. */
		if (!step_up(&walk)) {
			record->path_cut = 0;
			break;
		}
	}
}

static __always_inline void describe_arguments(struct attribution_image *record,
					       struct task_struct *task)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long end = BPF_CORE_READ(task, mm, arg_end);
	__u64 length = end - start;

	record->arguments_cut = length > ATTRIBUTION_ARGUMENT_BYTES;
	if (length > ATTRIBUTION_ARGUMENT_BYTES)
		length = ATTRIBUTION_ARGUMENT_BYTES;
	if (length == 0 ||
	    bpf_probe_read_user(AFTER(record) + ATTRIBUTION_PATH_AREA, length, (const void *)start))
		length = 0;
	record->argument_length = length;
}

static __always_inline void record_process(struct task_struct *task, struct task_struct *origin,
					   enum attribution_process_event event)
{
	struct attribution_process *record =
		bpf_ringbuf_reserve(&process_records, sizeof(*record), 0);

	if (!record) {
		count_lost(ATTRIBUTION_KIND_PROCESS);
		return;
	}
	record->time = bpf_ktime_get_boot_ns();
	describe_process(record, task, event);
	if (event == ATTRIBUTION_PROCESS_FORK) {
		record->origin_start_time = BPF_CORE_READ(origin, group_leader, start_boottime);
		record->origin_tgid = BPF_CORE_READ(origin, tgid);
	}
	if (event == ATTRIBUTION_PROCESS_EXIT)
		record->last_thread = BPF_CORE_READ(task, signal, live.counter) == 0;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* exec renames too, before it counts the new image: its own record has the name. */
static __always_inline bool is_in_exec(struct task_struct *task)
{
	return bpf_core_field_exists(task->in_execve) && BPF_CORE_READ_BITFIELD(task, in_execve);
}

static __always_inline void record_rename(struct task_struct *task, const char *name)
{
	struct attribution_process *record =
		bpf_ringbuf_reserve(&process_records, sizeof(*record), 0);

	if (!record) {
		count_lost(ATTRIBUTION_KIND_PROCESS);
		return;
	}
	record->time = bpf_ktime_get_boot_ns();
	describe_process(record, task, ATTRIBUTION_PROCESS_RENAME);
	bpf_probe_read_kernel_str(record->task.comm, sizeof(record->task.comm), name);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static __always_inline void write_snapshot(struct seq_file *output, struct task_struct *task)
{
	__u32 key = 0;
	struct snapshot_buffer *buffer = bpf_map_lookup_elem(&snapshot_buffers, &key);
	struct attribution_image *record = (void *)buffer;

	if (!buffer)
		return;
	record->process.time = bpf_ktime_get_boot_ns();
	describe_process(&record->process, task, ATTRIBUTION_PROCESS_SNAPSHOT);
	describe_image(record, task);
	bpf_seq_write(output, buffer, sizeof(*buffer));
}

static __always_inline void record_exec(struct task_struct *task)
{
	struct attribution_image *record = bpf_ringbuf_reserve(
		&process_records,
		sizeof(*record) + ATTRIBUTION_PATH_AREA + ATTRIBUTION_ARGUMENT_BYTES, 0);

	if (!record) {
		count_lost(ATTRIBUTION_KIND_PROCESS);
		return;
	}
	record->process.time = bpf_ktime_get_boot_ns();
	describe_process(&record->process, task, ATTRIBUTION_PROCESS_EXEC);
	describe_image(record, task);
	describe_arguments(record, task);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

#endif
