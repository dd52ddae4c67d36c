#define _GNU_SOURCE
#include "modes.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARERS = 8 };

#ifndef IPV6_MTU_DISCOVER
#define IPV6_MTU_DISCOVER 23
#endif

/* Memory that children share with their parent. */
static unsigned int *shared_counter(void)
{
	unsigned int *counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	LAB_CHECK(counter == MAP_FAILED ? -1 : 0);
	return counter;
}

static void wait_until(const unsigned int *counter, unsigned int value)
{
	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < value)
		sched_yield();
}

static void wait_for_children(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int status;

		LAB_CHECK(wait(&status));
		if (status) {
			fprintf(stderr, "a child ended with status %d\n", status);
			exit(1);
		}
	}
}

/* One datagram with the mark that the counter gives. */
static void send_marked(const struct lab_options *options, int descriptor, uint32_t counter)
{
	struct sockaddr_storage to =
		lab_address(options->destination, options->family, options->port);
	char *payload = malloc(options->size);

	lab_fill(options, counter, payload, options->size);
	LAB_CHECK(sendto(descriptor, payload, options->size, 0, (struct sockaddr *)&to,
			 lab_address_length(&to)));
	lab_report_udp(options, lab_local_port(descriptor), payload, options->size);
	free(payload);
}

static void run_sharers(const struct lab_options *options, bool in_turn)
{
	int descriptor = lab_udp_socket(options);
	unsigned int *counter = shared_counter();

	for (unsigned int number = 0; number < SHARERS; number++) {
		if (LAB_CHECK(fork()))
			continue;
		if (!in_turn)
			wait_until(counter, 1);
		for (unsigned int i = 0; i < options->count; i++) {
			unsigned int turn = i * SHARERS + number;

			if (in_turn)
				wait_until(counter, turn);
			send_marked(options, descriptor, options->first_counter + turn);
			if (in_turn)
				__atomic_store_n(counter, turn + 1, __ATOMIC_RELEASE);
		}
		_exit(0);
	}
	if (!in_turn)
		__atomic_store_n(counter, 1, __ATOMIC_RELEASE);
	wait_for_children(SHARERS);
}

/* Eight processes on one socket, one datagram each by turns. */
void mode_shared_in_turn(const struct lab_options *options)
{
	run_sharers(options, true);
}

/* The same without waiting for each other. */
void mode_shared_at_once(const struct lab_options *options)
{
	run_sharers(options, false);
}

static int port_sharing_socket(const struct lab_options *options)
{
	struct sockaddr_storage address =
		lab_address(options->source, options->family, options->source_port);
	int descriptor = LAB_CHECK(socket(options->family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int on = 1, discover = IP_PMTUDISC_DO;

	LAB_CHECK(setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
	/* Never to be fragmented, on a socket that is not connected: the IP id is 0. */
	if (options->family == AF_INET)
		LAB_CHECK(setsockopt(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, &discover,
				     sizeof(discover)));
	LAB_CHECK(bind(descriptor, (struct sockaddr *)&address, lab_address_length(&address)));
	return descriptor;
}

/* Two processes on one port send the very same packets, which nothing on the wire tells apart: in
 * step, since the one that is far ahead of the other is known by the time. */
void mode_identical(const struct lab_options *options)
{
	struct lab_options twice = *options;
	unsigned int *counter = shared_counter();

	twice.packets = 2;
	for (int number = 0; number < 2; number++) {
		int descriptor;

		if (LAB_CHECK(fork()))
			continue;
		descriptor = port_sharing_socket(options);
		for (unsigned int i = 0; i < options->count; i++) {
			__atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL);
			wait_until(counter, 2 * (i + 1));
			send_marked(&twice, descriptor, options->first_counter + i);
		}
		_exit(0);
	}
	wait_for_children(2);
}

void mode_zerocopy(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options), on = 1;
	char *payloads = malloc((size_t)options->count * options->size);

	lab_connect(options, descriptor);
	LAB_CHECK(setsockopt(descriptor, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	for (unsigned int i = 0; i < options->count; i++) {
		/* The kernel may still read the one before. */
		char *payload = payloads + (size_t)i * options->size;

		lab_fill(options, options->first_counter + i, payload, options->size);
		LAB_CHECK(send(descriptor, payload, options->size, MSG_ZEROCOPY));
		lab_report_udp(options, lab_local_port(descriptor), payload, options->size);
	}
	free(payloads);
}

/* Attaches a program that lets everything pass to the control group that --descriptor is. */
static void attach_program(const struct lab_options *options)
{
	struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SKB,
		.expected_attach_type = BPF_CGROUP_INET_EGRESS,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.license = (uintptr_t) "GPL",
	};
	union bpf_attr attach = {
		.target_fd = options->descriptor,
		.attach_type = BPF_CGROUP_INET_EGRESS,
		.attach_flags = options->multiple ? BPF_F_ALLOW_MULTI : 0,
	};
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	/* Before Linux 5.11 programs count as locked memory; where that is needed and refused,
	 * loading fails. */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	attach.attach_bpf_fd = LAB_CHECK(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load)));
	LAB_CHECK(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)));
}

/* From a control group that has an egress program of its own. */
void mode_cgroup_program(const struct lab_options *options)
{
	attach_program(options);
	mode_sendto(options);
}

/* An innocent bystander in whose context the kernel may do others' work; ends after a few seconds.
 */
void mode_spin(const struct lab_options *options)
{
	(void)options;
	fprintf(stderr, "opened\n");
	alarm(10);
	for (;;)
		getppid();
}
