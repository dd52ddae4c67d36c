/*
 * Sends UDP datagrams as fast as it can, in ways that fill tables. The payload says who sent it:
 * token, process id and counter, four bytes each. Begins when a line arrives on standard input, and
 * prints a JSON line at the end.
 *
 * usage: flood KIND TOKEN SOURCE DESTINATION PORT COUNT SECONDS [PAUSE_US] [INTERFACE MAC]
 *
 * KIND is steady (one socket), sockets (a new one for each datagram), processes (a new one for
 * each), flows (another port for each), or bypass (frames on a packet socket that goes round the
 * queueing discipline, and with it round every hook: to be forwarded by the next namespace).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 12, BATCH = 64, FLOWS = 16, FRAME = 14 + 20 + 8 + PAYLOAD };

struct flood {
	const char *kind;
	uint32_t token;
	struct sockaddr_in source, destination;
	uint64_t count, end;
	long pause_us;
	const char *interface;
	const char *mac;
	uint64_t sent, failed;
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static void require(int holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	exit(71);
}

static int open_socket(const struct flood *flood)
{
	int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in source = flood->source;

	require(handle >= 0, "socket");
	require(!bind(handle, (struct sockaddr *)&source, sizeof(source)), "bind");
	return handle;
}

static void fill_payload(const struct flood *flood, void *payload, uint32_t counter)
{
	uint32_t words[3] = {htonl(flood->token), htonl(getpid()), htonl(counter)};

	memcpy(payload, words, PAYLOAD);
}

static int send_one(const struct flood *flood, int handle, uint32_t counter, uint16_t port)
{
	struct sockaddr_in destination = flood->destination;
	char payload[PAYLOAD];

	fill_payload(flood, payload, counter);
	if (port)
		destination.sin_port = htons(port);
	return sendto(handle, payload, PAYLOAD, 0, (struct sockaddr *)&destination,
		      sizeof(destination)) == PAYLOAD;
}

static int send_from_child(const struct flood *flood, uint32_t counter)
{
	int status = 0;
	pid_t child = fork();

	if (child < 0)
		return 0;
	if (!child)
		_exit(!send_one(flood, open_socket(flood), counter, 0));
	return waitpid(child, &status, 0) == child && !status;
}

static void send_datagrams(struct flood *flood)
{
	int sockets = !strcmp(flood->kind, "sockets"), flows = !strcmp(flood->kind, "flows");
	int processes = !strcmp(flood->kind, "processes"), handle = open_socket(flood);

	for (uint64_t index = 0; index < flood->count; index++) {
		int done;

		/* The clock costs a tenth of a send. */
		if (index % BATCH == 0 && now() > flood->end)
			break;
		if (sockets) {
			close(handle);
			handle = open_socket(flood);
		}
		if (processes)
			done = send_from_child(flood, index);
		else
			done = send_one(flood, handle, index, flows ? 10000 + index % 50000 : 0);
		if (done)
			flood->sent++;
		else
			flood->failed++;
		if (flood->pause_us)
			usleep(flood->pause_us);
	}
}

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t index = 0; index < length; index += 2)
		sum += bytes[index] << 8 | bytes[index + 1];
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return htons(~sum & 0xFFFF);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value & 0xFF;
}

/* One of a few flows, told apart by their source ports. */
static void fill_frame(const struct flood *flood, uint8_t *frame, uint32_t counter)
{
	uint8_t *ip = frame + 14, *udp = ip + 20;
	uint16_t sum;

	ip[0] = 0x45;
	put16(ip + 2, 28 + PAYLOAD);
	put16(ip + 4, counter | 1);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	put16(ip + 10, 0);
	memcpy(ip + 12, &flood->source.sin_addr, 4);
	memcpy(ip + 16, &flood->destination.sin_addr, 4);
	sum = checksum(ip, 20);
	memcpy(ip + 10, &sum, 2);
	put16(udp, 40000 + counter % FLOWS);
	memcpy(udp + 2, &flood->destination.sin_port, 2);
	put16(udp + 4, 8 + PAYLOAD);
	fill_payload(flood, udp + 8, counter);
}

static int open_packet_socket(const struct flood *flood)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_IP),
				      .sll_ifindex = if_nametoindex(flood->interface)};
	int handle = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;

	require(handle >= 0, "packet socket");
	require(!setsockopt(handle, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)),
		"PACKET_QDISC_BYPASS");
	require(!bind(handle, (struct sockaddr *)&address, sizeof(address)), "bind");
	return handle;
}

static void send_frames(struct flood *flood)
{
	static uint8_t frames[BATCH][FRAME];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec parts[BATCH];
	struct ether_addr *mac = ether_aton(flood->mac);
	int handle = open_packet_socket(flood);

	require(mac != NULL, "MAC");
	for (int index = 0; index < BATCH; index++) {
		memcpy(frames[index], mac, 6);
		put16(frames[index] + 12, ETHERTYPE_IP);
		parts[index] = (struct iovec){frames[index], FRAME};
		messages[index].msg_hdr.msg_iov = &parts[index];
		messages[index].msg_hdr.msg_iovlen = 1;
	}
	while (flood->sent < flood->count && now() < flood->end) {
		int sent;

		for (int index = 0; index < BATCH; index++)
			fill_frame(flood, frames[index], flood->sent + index);
		sent = sendmmsg(handle, messages, BATCH, 0);
		if (sent > 0)
			flood->sent += sent;
		else
			flood->failed++;
		if (flood->pause_us)
			usleep(flood->pause_us);
	}
}

static struct sockaddr_in address(const char *text, int port)
{
	struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (inet_pton(AF_INET, text, &result.sin_addr) != 1) {
		fprintf(stderr, "not an IPv4 address: %s\n", text);
		exit(64);
	}
	return result;
}

int main(int argc, char **argv)
{
	struct flood flood = {0};
	uint64_t begin;
	char byte;

	if (argc < 8) {
		fprintf(stderr, "usage: flood KIND TOKEN SOURCE DESTINATION PORT COUNT SECONDS "
				"[PAUSE_US] [INTERFACE MAC]\n");
		return 64;
	}
	flood.kind = argv[1];
	flood.token = strtoul(argv[2], NULL, 16);
	flood.source = address(argv[3], 0);
	flood.destination = address(argv[4], atoi(argv[5]));
	flood.count = strtoull(argv[6], NULL, 10);
	flood.pause_us = argc > 8 ? atol(argv[8]) : 0;
	flood.interface = argc > 9 ? argv[9] : NULL;
	flood.mac = argc > 10 ? argv[10] : NULL;
	fprintf(stderr, "opened\n");
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
	begin = now();
	flood.end = begin + (uint64_t)(atof(argv[7]) * 1e9);
	if (!strcmp(flood.kind, "bypass") && flood.mac)
		send_frames(&flood);
	else
		send_datagrams(&flood);
	printf("{\"kind\":\"%s\",\"token\":\"%08x\",\"pid\":%d,\"sent\":%llu,\"failed\":%llu,"
	       "\"seconds\":%.3f}\n",
	       flood.kind, flood.token, getpid(), (unsigned long long)flood.sent,
	       (unsigned long long)flood.failed, (now() - begin) / 1e9);
	return 0;
}
