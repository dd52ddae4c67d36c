// SPDX-License-Identifier: Apache-2.0
/*
 * Sends 8-byte UDP datagrams as fast as one core can ("flood"), datagrams of LENGTH bytes 200 times
 * a second ("pace"), or a TCP stream ("stream"), for a while; "flood" and "stream" print "SENT
 * NANOSECONDS FAILED". Until they are ended, "sink" holds the UDP port open, so that nobody answers
 * with port unreachable, "accept" reads streams, and "crowd" is many processes with a socket each.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The clock is asked once a batch: asking costs a tenth of a send. */
#define BATCH 256

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static int sink(int socket, const struct sockaddr_in *address)
{
	int smallest = 0;

	setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest));
	if (bind(socket, (const struct sockaddr *)address, sizeof(*address))) {
		perror("bind");
		return 71;
	}
	puts("bound");
	fflush(stdout);
	pause();
	return 0;
}

static int accept_streams(const struct sockaddr_in *address)
{
	static char buffer[1 << 18];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) ||
	    listen(listener, 8)) {
		perror("bind");
		return 71;
	}
	puts("bound");
	fflush(stdout);
	for (;;) {
		int stream = accept(listener, NULL, NULL);

		while (stream >= 0 && read(stream, buffer, sizeof(buffer)) > 0)
			;
		close(stream);
	}
}

/* Small writes without delay: many segments, each of which passes the hooks by itself. */
static int stream(const struct sockaddr_in *address, double seconds)
{
	int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	uint64_t sent = 0, begin = now(), end = begin + (uint64_t)(seconds * 1e9), moment;
	char text[512] = {0};

	setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(handle, (const struct sockaddr *)address, sizeof(*address))) {
		perror("connect");
		return 71;
	}
	do {
		for (int index = 0; index < BATCH; index++)
			sent += write(handle, text, sizeof(text)) > 0;
		moment = now();
	} while (moment < end);
	printf("%llu %llu 0\n", (unsigned long long)sent, (unsigned long long)(moment - begin));
	return 0;
}

static int pace(int socket, const struct sockaddr_in *address, double seconds, size_t length)
{
	uint64_t payload[128] = {0};

	if (length > sizeof(payload))
		return 64;
	for (uint64_t end = now() + (uint64_t)(seconds * 1e9); now() < end; payload[0]++) {
		sendto(socket, payload, length, 0, (const struct sockaddr *)address,
		       sizeof(*address));
		usleep(5000);
	}
	return 0;
}

static void end(int number)
{
	_exit(number == SIGTERM ? 0 : 1);
}

/* The children end with their parent, and share its memory but for a page or two. */
static int crowd(struct sockaddr_in *address, int processes)
{
	pid_t parent = getpid();

	for (int index = 0; index < processes; index++) {
		pid_t child = fork();

		if (child < 0) {
			perror("fork");
			return 71;
		}
		if (child)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		int handle = socket(AF_INET, SOCK_DGRAM, 0);

		address->sin_port = 0;
		if (bind(handle, (const struct sockaddr *)address, sizeof(*address)))
			_exit(71);
		pause();
		_exit(0);
	}
	signal(SIGTERM, end);
	puts("there");
	fflush(stdout);
	pause();
	return 0;
}

static int flood(int socket, const struct sockaddr_in *address, double seconds)
{
	uint64_t sent = 0, failed = 0, begin = now(), end = begin + (uint64_t)(seconds * 1e9),
		 moment;

	do {
		for (int index = 0; index < BATCH; index++) {
			uint64_t payload = sent + failed;

			if (sendto(socket, &payload, sizeof(payload), 0,
				   (const struct sockaddr *)address,
				   sizeof(*address)) == sizeof(payload))
				sent++;
			else
				failed++;
		}
		moment = now();
	} while (moment < end);
	printf("%llu %llu %llu\n", (unsigned long long)sent, (unsigned long long)(moment - begin),
	       (unsigned long long)failed);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc < 4 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1 || handle < 0) {
		fprintf(stderr,
			"usage: %s sink|accept ADDRESS PORT | flood|stream ADDRESS PORT SECONDS "
			"[CPU] | pace ADDRESS PORT SECONDS LENGTH | crowd ADDRESS PORT PROCESSES\n",
			argv[0]);
		return 64;
	}
	address.sin_port = htons(atoi(argv[3]));
	if (!strcmp(argv[1], "sink"))
		return sink(handle, &address);
	if (!strcmp(argv[1], "accept"))
		return accept_streams(&address);
	if (argc < 5 || (!strcmp(argv[1], "pace") && argc < 6))
		return 64;
	if (!strcmp(argv[1], "crowd"))
		return crowd(&address, atoi(argv[4]));
	if (!strcmp(argv[1], "pace"))
		return pace(handle, &address, atof(argv[4]), strtoul(argv[5], NULL, 10));
	if (argc > 5) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(atoi(argv[5]), &set);
		if (sched_setaffinity(0, sizeof(set), &set)) {
			perror("sched_setaffinity");
			return 71;
		}
	}
	if (!strcmp(argv[1], "stream"))
		return stream(&address, atof(argv[4]));
	return flood(handle, &address, atof(argv[4]));
}
