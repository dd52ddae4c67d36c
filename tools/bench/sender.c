// SPDX-License-Identifier: Apache-2.0
/*
 * Sends 8-byte UDP datagrams as fast as one core can, for a while, and prints "SENT NANOSECONDS
 * FAILED". With "sink" it only holds the port open, so that nobody answers with port unreachable,
 * until it is ended.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
		fprintf(stderr, "usage: %s sink ADDRESS PORT | flood ADDRESS PORT SECONDS [CPU]\n",
			argv[0]);
		return 64;
	}
	address.sin_port = htons(atoi(argv[3]));
	if (!strcmp(argv[1], "sink"))
		return sink(handle, &address);
	if (argc < 5)
		return 64;
	if (argc > 5) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(atoi(argv[5]), &set);
		if (sched_setaffinity(0, sizeof(set), &set)) {
			perror("sched_setaffinity");
			return 71;
		}
	}
	return flood(handle, &address, atof(argv[4]));
}
