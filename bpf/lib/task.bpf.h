/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef ATTRIBUTION_TASK_BPF_H
#define ATTRIBUTION_TASK_BPF_H

static __always_inline void describe_task(struct attribution_task *description,
					  struct task_struct *task, const bool direct)
{
	struct cred *cred = FIELD(direct, task, cred);

	description->start_time = FIELD(direct, task, group_leader, start_boottime);
	description->cgroup = FIELD(direct, task, cgroups, dfl_cgrp, kn, id);
	description->tgid = FIELD(direct, task, tgid);
	description->tid = FIELD(direct, task, pid);
	description->image_version = FIELD(direct, task, self_exec_id);
	description->euid = FIELD(direct, cred, euid.val);
	description->egid = FIELD(direct, cred, egid.val);
	description->flags = FIELD(direct, task, flags);
	if (direct) {
		description->comm[0] = *(__u64 *)task->comm;
		description->comm[1] = *(__u64 *)(task->comm + 8);
	} else {
		bpf_probe_read_kernel(description->comm, sizeof(description->comm), task->comm);
	}
}

#endif
