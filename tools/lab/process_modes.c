#define _GNU_SOURCE
#include "flash.h"
#include "modes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void wait_for(pid_t child)
{
	int status;

	LAB_CHECK(waitpid(child, &status, 0));
	if (status) {
		fprintf(stderr, "child %d ended with status %d\n", child, status);
		exit(1);
	}
}

void mode_inherit_fork(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);
	pid_t child;

	lab_connect(options, descriptor);
	child = LAB_CHECK(fork());
	if (!child) {
		lab_send_connected(options, descriptor);
		_exit(0);
	}
	wait_for(child);
}

/* The child's image is another one: it knows the socket by its number only. */
void mode_inherit_exec(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);
	char number[16], token[16], count[16], port[16], size[16];
	pid_t child;

	lab_connect(options, descriptor);
	LAB_CHECK(fcntl(descriptor, F_SETFD, 0));
	snprintf(number, sizeof(number), "%d", descriptor);
	snprintf(token, sizeof(token), "%08x", options->token);
	snprintf(count, sizeof(count), "%u", options->count);
	snprintf(port, sizeof(port), "%u", options->port);
	snprintf(size, sizeof(size), "%u", options->size);
	child = LAB_CHECK(fork());
	if (!child) {
		execl(options->helper, options->helper, "descriptor", "--row", options->row,
		      "--token", token, "--count", count, "--port", port, "--size", size,
		      "--source", options->source, "--destination", options->destination,
		      "--descriptor", number, (char *)NULL);
		_exit(127);
	}
	close(descriptor);
	wait_for(child);
}

/* The other half of inherit-exec. */
void mode_descriptor(const struct lab_options *options)
{
	lab_send_connected(options, options->descriptor);
}

static void hand_over(int channel, int descriptor)
{
	char byte = 0;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
	LAB_CHECK(sendmsg(channel, &message, 0));
}

static int take_over(int channel)
{
	char byte;
	int descriptor;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};

	LAB_CHECK(recvmsg(channel, &message, 0));
	memcpy(&descriptor, CMSG_DATA(&control.header), sizeof(descriptor));
	return descriptor;
}

/* The child is forked before the socket is made: it can have it over the Unix socket only. */
void mode_passed(const struct lab_options *options)
{
	int channel[2], descriptor;
	pid_t child;

	LAB_CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, channel));
	child = LAB_CHECK(fork());
	if (!child) {
		lab_send_connected(options, take_over(channel[1]));
		_exit(0);
	}
	descriptor = lab_udp_socket(options);
	lab_connect(options, descriptor);
	hand_over(channel[0], descriptor);
	wait_for(child);
}

static long elapsed_us(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000000 + (now.tv_nsec - since->tv_nsec) / 1000;
}

/* A function of its own: what vfork's child shares with this process is then no loop's. */
static pid_t start(const char *const *arguments)
{
	pid_t child = LAB_CHECK(vfork());

	if (!child) {
		execv(arguments[0], (char *const *)arguments);
		_exit(127);
	}
	return child;
}

/* `count` processes that exec the helper, send once and are gone; this one tells about them. */
void mode_exec_once(const struct lab_options *options)
{
	for (unsigned int i = 0; i < options->count; i++) {
		struct lab_flash flash;
		struct timespec begun;

		lab_prepare_flash(&flash, options, options->helper, i, 20000 + i);
		clock_gettime(CLOCK_MONOTONIC, &begun);
		flash.proxy.pid = start(flash.arguments);
		wait_for(flash.proxy.pid);
		flash.proxy.lifetime_us = elapsed_us(&begun);
		lab_report_for(options, &flash.sent, &flash.proxy);
	}
}

/* `count` children with this image, each with one datagram on a socket of its own. */
void mode_fork_once(const struct lab_options *options)
{
	for (unsigned int i = 0; i < options->count; i++) {
		struct lab_options one = *options;
		pid_t child = LAB_CHECK(fork());

		if (!child) {
			one.count = 1;
			one.first_counter += i;
			mode_sendto(&one);
			_exit(0);
		}
		wait_for(child);
	}
}

struct worker {
	struct lab_options options;
	unsigned int number;
};

static void *run_worker(void *argument)
{
	struct worker *worker = argument;
	char name[16];

	snprintf(name, sizeof(name), "worker-%u", worker->number);
	prctl(PR_SET_NAME, name);
	mode_sendto(&worker->options);
	return NULL;
}

/* Seven threads with names of their own, `count` datagrams each. */
void mode_threads(const struct lab_options *options)
{
	enum { THREADS = 7 };
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.options = *options, .number = i};
		workers[i].options.first_counter += i * options->count;
		errno = pthread_create(&threads[i], NULL, run_worker, &workers[i]);
		LAB_CHECK(errno ? -1 : 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* The socket belongs to the other namespace, the process is back in its own when it sends. */
void mode_foreign_netns(const struct lab_options *options)
{
	int own = LAB_CHECK(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	int other = LAB_CHECK(open(options->netns, O_RDONLY | O_CLOEXEC));
	int descriptor;

	LAB_CHECK(setns(other, CLONE_NEWNET));
	descriptor = lab_udp_socket(options);
	lab_connect(options, descriptor);
	LAB_CHECK(setns(own, CLONE_NEWNET));
	lab_send_connected(options, descriptor);
}
