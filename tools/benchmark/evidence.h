/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence of a generated capture: what `whosent record` would have written on the machine of
 * the near addresses. */
#ifndef BENCHMARK_EVIDENCE_H
#define BENCHMARK_EVIDENCE_H
#include <stdint.h>
#include <stdio.h>

#define NEAR_ADDRESSES 16

/* The section, its interfaces and processes; `start` is in nanoseconds since the epoch. 0, or -1 on
 * an error. */
int evidence_begin(FILE *file, uint64_t start);

/* A packet that a process sent on the socket of this flow, from its IP header on. */
int evidence_send(FILE *file, uint64_t time, uint32_t flow, const uint8_t *packet, uint32_t length);

/* The summary. */
int evidence_end(FILE *file, uint64_t stop);
#endif
