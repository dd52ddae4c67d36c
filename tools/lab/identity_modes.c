#define _GNU_SOURCE
#include "flash.h"
#include "modes.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* `count` datagrams for every line on standard input; in between, things may happen to the image.
 */
void mode_rounds(const struct lab_options *options)
{
	struct lab_options round = *options;
	int descriptor = lab_udp_socket(options);
	char byte;

	lab_connect(options, descriptor);
	fprintf(stderr, "opened\n");
	while (read(STDIN_FILENO, &byte, 1) == 1) {
		if (byte != '\n')
			continue;
		lab_send_connected(&round, descriptor);
		round.first_counter += round.count;
		fprintf(stderr, "sent\n");
	}
}

static pid_t clone_process(__u64 flags, pid_t wanted)
{
	struct clone_args arguments = {
		.flags = flags,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
		.set_tid = wanted ? (__u64)(unsigned long)&wanted : 0,
		.set_tid_size = wanted ? 1 : 0,
	};

	return syscall(SYS_clone3, &arguments, sizeof(arguments));
}

/* `count` processes one after the other, each another program, all with one process id. */
void mode_reuse(const struct lab_options *options)
{
	static const char *const names[] = {"first", "second", "third"};
	pid_t reused = 0;

	for (unsigned int i = 0; i < options->count; i++) {
		struct lab_flash flash;
		char program[512];
		int status;

		snprintf(program, sizeof(program), "%s/%s", options->helper, names[i % 3]);
		lab_prepare_flash(&flash, options, program, i, 24000 + i);
		flash.proxy.pid = LAB_CHECK(clone_process(0, reused));
		if (!flash.proxy.pid) {
			execv(program, (char *const *)flash.arguments);
			_exit(127);
		}
		LAB_CHECK(waitpid(flash.proxy.pid, &status, 0));
		if (status) {
			fprintf(stderr, "%s ended with status %d\n", program, status);
			exit(1);
		}
		reused = flash.proxy.pid;
		lab_report_for(options, &flash.sent, &flash.proxy);
	}
}

/* Starts the helper, which makes the senders: this one is their parent but not what they are copies
 * of. */
void mode_clone_parent(const struct lab_options *options)
{
	char token[16], count[16], port[16];
	int status;

	snprintf(token, sizeof(token), "%08x", options->token);
	snprintf(count, sizeof(count), "%u", options->count);
	snprintf(port, sizeof(port), "%u", options->port);
	if (!LAB_CHECK(fork())) {
		execl(options->helper, options->helper, "copier", "--row", options->row, "--token",
		      token, "--count", count, "--port", port, "--source", options->source,
		      "--destination", options->destination, (char *)NULL);
		_exit(127);
	}
	/* Children that leave without a signal are waited for only when asked for. */
	while (waitpid(-1, &status, __WALL) > 0) {
		if (status) {
			fprintf(stderr, "a child ended with status %d\n", status);
			exit(1);
		}
	}
}

/* The other half of clone-parent: `count` copies of itself, each with one datagram. */
void mode_copier(const struct lab_options *options)
{
	for (unsigned int i = 0; i < options->count; i++) {
		struct lab_options one = *options;

		if (LAB_CHECK(clone_process(CLONE_PARENT, 0)))
			continue;
		one.count = 1;
		one.first_counter += i;
		mode_sendto(&one);
		_exit(0);
	}
}
