#define _GNU_SOURCE
#include "modes.h"

#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENTRIES = 8, IDLE_MS = 2000 };

/* What of a ring is shared with the kernel; the system calls themselves, as liburing is not
 * everywhere. */
struct ring {
	int descriptor;
	unsigned int setup_flags;
	unsigned int features;
	unsigned int *submission_tail, *submission_mask, *submission_flags, *submission_array;
	unsigned int *completion_head, *completion_tail, *completion_mask;
	struct io_uring_sqe *submissions;
	struct io_uring_cqe *completions;
};

static void *map_part(const struct ring *ring, size_t length, off_t part)
{
	void *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			   ring->descriptor, part);

	LAB_CHECK(start == MAP_FAILED ? -1 : 0);
	return start;
}

static void open_ring(struct ring *ring, unsigned int setup_flags)
{
	struct io_uring_params parameters = {
		.flags = setup_flags,
		.sq_thread_idle = IDLE_MS,
	};
	char *submission, *completion;

	ring->descriptor = LAB_CHECK(syscall(SYS_io_uring_setup, ENTRIES, &parameters));
	ring->setup_flags = setup_flags;
	ring->features = parameters.features;
	submission = map_part(
		ring, parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned int),
		IORING_OFF_SQ_RING);
	completion = map_part(
		ring, parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe),
		IORING_OFF_CQ_RING);
	ring->submissions = map_part(ring, parameters.sq_entries * sizeof(struct io_uring_sqe),
				     IORING_OFF_SQES);
	ring->submission_tail = (unsigned int *)(submission + parameters.sq_off.tail);
	ring->submission_mask = (unsigned int *)(submission + parameters.sq_off.ring_mask);
	ring->submission_flags = (unsigned int *)(submission + parameters.sq_off.flags);
	ring->submission_array = (unsigned int *)(submission + parameters.sq_off.array);
	ring->completion_head = (unsigned int *)(completion + parameters.cq_off.head);
	ring->completion_tail = (unsigned int *)(completion + parameters.cq_off.tail);
	ring->completion_mask = (unsigned int *)(completion + parameters.cq_off.ring_mask);
	ring->completions = (struct io_uring_cqe *)(completion + parameters.cq_off.cqes);
}

static void enter(const struct ring *ring)
{
	unsigned int flags;

	if (!(ring->setup_flags & IORING_SETUP_SQPOLL)) {
		LAB_CHECK(syscall(SYS_io_uring_enter, ring->descriptor, 1, 1,
				  IORING_ENTER_GETEVENTS, NULL, 0));
		return;
	}
	flags = __atomic_load_n(ring->submission_flags, __ATOMIC_ACQUIRE);
	if (flags & IORING_SQ_NEED_WAKEUP)
		LAB_CHECK(syscall(SYS_io_uring_enter, ring->descriptor, 0, 0,
				  IORING_ENTER_SQ_WAKEUP, NULL, 0));
}

/* Submits one request, waits until it is done, and returns its result. */
static int perform(struct ring *ring, const struct io_uring_sqe *request)
{
	unsigned int tail = *ring->submission_tail, head = *ring->completion_head;
	unsigned int slot = tail & *ring->submission_mask;
	int result;

	ring->submissions[slot] = *request;
	ring->submission_array[slot] = slot;
	__atomic_store_n(ring->submission_tail, tail + 1, __ATOMIC_SEQ_CST);
	enter(ring);
	while (__atomic_load_n(ring->completion_tail, __ATOMIC_ACQUIRE) == head)
		usleep(50);
	result = ring->completions[head & *ring->completion_mask].res;
	__atomic_store_n(ring->completion_head, head + 1, __ATOMIC_RELEASE);
	return result;
}

static void send_by_ring(const struct lab_options *options, struct ring *ring, int descriptor,
			 unsigned int request_flags)
{
	struct sockaddr_storage to =
		lab_address(options->destination, options->family, options->port);
	char *payload = malloc(options->size);
	struct iovec part = {.iov_base = payload, .iov_len = options->size};
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = lab_address_length(&to),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	struct io_uring_sqe request = {
		.opcode = IORING_OP_SENDMSG,
		.flags = request_flags,
		.fd = request_flags & IOSQE_FIXED_FILE ? 0 : descriptor,
		.addr = (uintptr_t)&message,
		.len = 1,
	};

	for (unsigned int i = 0; i < options->count; i++) {
		int result;

		lab_fill(options, options->first_counter + i, payload, options->size);
		result = perform(ring, &request);
		if (result != (int)options->size) {
			fprintf(stderr, "io_uring's send: %s\n", strerror(-result));
			exit(1);
		}
		lab_report_udp(options, lab_local_port(descriptor), payload, options->size);
	}
	free(payload);
}

void mode_uring_inline(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);
	struct ring ring;

	open_ring(&ring, 0);
	send_by_ring(options, &ring, descriptor, 0);
}

void mode_uring_worker(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);
	struct ring ring;

	open_ring(&ring, 0);
	send_by_ring(options, &ring, descriptor, IOSQE_ASYNC);
}

/* A thread of the kernel's takes the requests; before 5.11 it knows registered files only. */
void mode_uring_poll(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);
	struct ring ring;
	bool fixed;

	open_ring(&ring, IORING_SETUP_SQPOLL);
	fixed = !(ring.features & IORING_FEAT_SQPOLL_NONFIXED);
	if (fixed)
		LAB_CHECK(syscall(SYS_io_uring_register, ring.descriptor, IORING_REGISTER_FILES,
				  &descriptor, 1));
	send_by_ring(options, &ring, descriptor, fixed ? IOSQE_FIXED_FILE : 0);
}

/* The child has the ring and the socket from its parent, and submits by itself. */
void mode_uring_inherited(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options), status;
	struct ring ring;
	pid_t child;

	open_ring(&ring, 0);
	child = LAB_CHECK(fork());
	if (!child) {
		send_by_ring(options, &ring, descriptor, 0);
		_exit(0);
	}
	LAB_CHECK(waitpid(child, &status, 0));
	if (status)
		exit(1);
}
