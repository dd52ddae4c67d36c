/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An early return that is one. The compiler has one return at the end of a function, some lines of
 * the cache away from a beginning that most packets do not get past: 8 ns of the 9 that a TCP
 * segment cost.
 */
#ifndef ATTRIBUTION_LEAVE_BPF_H
#define ATTRIBUTION_LEAVE_BPF_H

/* Returns `value`, a constant, from the program; from a function only where it is inlined. */
#define LEAVE_UNLESS(condition, value)                                                             \
	do {                                                                                       \
		__u64 stays = (condition);                                                         \
		asm volatile("if %0 != 0 goto +2\n"                                                \
			     "r0 = %1\n"                                                           \
			     "exit" ::"r"(stays),                                                  \
			     "i"(value)                                                            \
			     : "r0", "memory");                                                    \
	} while (0)

#endif
