/*
 * The senders of the demonstration, one program under four names; argv[0] chooses the part it
 * plays.
 *
 * notifier   SECONDS BASE COUNT   8-byte datagrams to COUNT hosts, each to a port of its own, from
 * rising ports pinger     SECONDS HOST         one TCP connection to HOST's LDAP port, then 1-byte
 * pings with 0x3F dns-client SECONDS HOST         a name query twice a second, waiting for the
 * answer far-side   BASE COUNT           the other end of all of them, until standard input ends
 *
 * BASE and HOST are IPv4 addresses; COUNT hosts are BASE, BASE + 1, and so on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LDAP_PORT = 389, DNS_PORT = 53, FIRST_CLIENT_PORT = 1141, MAX_CLIENTS = 64 };

static const unsigned char dns_query[] = {0x12, 0x34, 1,   0,	0,   1,	  0,   0, 0,   0,
					  0,	0,    4,   'm', 'a', 'i', 'l', 7, 'e', 'x',
					  'a',	'm',  'p', 'l', 'e', 0,	  0,   1, 0,   1};

static int check(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

static struct sockaddr_in host(const char *base, unsigned int offset, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (inet_pton(AF_INET, base, &address.sin_addr) != 1) {
		fprintf(stderr, "not an IPv4 address: %s\n", base);
		exit(64);
	}
	address.sin_addr.s_addr = htonl(ntohl(address.sin_addr.s_addr) + offset);
	return address;
}

/* Ports that look random and are not: a step of a prime through the registered range. */
static uint16_t client_port(unsigned int client)
{
	return FIRST_CLIENT_PORT + client * 1237 % 4001;
}

static void nap(unsigned int milliseconds)
{
	struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};

	nanosleep(&time, NULL);
}

static void notify(int seconds, const char *base, unsigned int count)
{
	for (int round = 0; round < seconds * 2; round++) {
		for (unsigned int i = 0; i < count; i++) {
			struct sockaddr_in to = host(base, i, client_port(i));
			unsigned char context[8] = {0x91, 0xe5, 0x0b, 0xc4, 0x7f, i, 0xa3, 0xd8};
			int descriptor = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");

			check(sendto(descriptor, context, sizeof(context), 0,
				     (struct sockaddr *)&to, sizeof(to)),
			      "sendto");
			close(descriptor);
		}
		nap(500);
	}
}

static uint16_t icmp_checksum(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	uint32_t total = 0;

	for (size_t i = 0; i < length; i++)
		total += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons(~total & 0xffff);
}

static void ping(int seconds, const char *target)
{
	struct sockaddr_in ldap = host(target, 0, LDAP_PORT), to = host(target, 0, 0);
	int connection = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
	int descriptor = check(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "raw socket");

	check(connect(connection, (struct sockaddr *)&ldap, sizeof(ldap)), "connect");
	for (int i = 0; i < seconds * 2; i++) {
		struct {
			struct icmphdr header;
			unsigned char payload;
		} __attribute__((packed)) echo = {
			.header = {.type = ICMP_ECHO,
				   .un.echo = {.id = htons(0x0200), .sequence = htons(i + 1)}},
			.payload = 0x3f,
		};

		echo.header.checksum = icmp_checksum(&echo, sizeof(echo));
		check(sendto(descriptor, &echo, sizeof(echo), 0, (struct sockaddr *)&to,
			     sizeof(to)),
		      "sendto");
		nap(500);
	}
}

static void ask(int seconds, const char *server)
{
	struct sockaddr_in to = host(server, 0, DNS_PORT);
	int descriptor = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	unsigned char answer[512];

	check(connect(descriptor, (struct sockaddr *)&to, sizeof(to)), "connect");
	for (int i = 0; i < seconds * 2; i++) {
		struct pollfd ready = {.fd = descriptor, .events = POLLIN};

		check(send(descriptor, dns_query, sizeof(dns_query), 0), "send");
		if (poll(&ready, 1, 400) == 1 && recv(descriptor, answer, sizeof(answer), 0) < 0)
			fprintf(stderr, "no answer: %s\n", strerror(errno));
		nap(500);
	}
}

static void answer_query(int descriptor)
{
	unsigned char packet[512];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	ssize_t size =
		recvfrom(descriptor, packet, sizeof(packet), 0, (struct sockaddr *)&from, &length);

	if (size < (ssize_t)sizeof(dns_query))
		return;
	packet[2] = 0x81;
	packet[3] = 0x83; /* no such name */
	sendto(descriptor, packet, size, 0, (struct sockaddr *)&from, length);
}

static int bound(int type, const struct sockaddr_in *address)
{
	int descriptor = check(socket(AF_INET, type, 0), "socket");

	check(bind(descriptor, (const struct sockaddr *)address, sizeof(*address)), "bind");
	return descriptor;
}

static void be_far_side(const char *base, unsigned int count)
{
	struct sockaddr_in ldap = host(base, 0, LDAP_PORT), dns = host(base, 0, DNS_PORT);
	struct pollfd ready[3] = {{.fd = STDIN_FILENO, .events = POLLIN},
				  {.fd = bound(SOCK_STREAM, &ldap), .events = POLLIN},
				  {.fd = bound(SOCK_DGRAM, &dns), .events = POLLIN}};

	check(listen(ready[1].fd, 8), "listen");
	/* The clients take their notifications in silence. */
	for (unsigned int i = 0; i < count; i++) {
		struct sockaddr_in client = host(base, i, client_port(i));

		bound(SOCK_DGRAM, &client);
	}
	fprintf(stderr, "opened\n");
	for (;;) {
		char byte;

		check(poll(ready, 3, -1), "poll");
		if (ready[0].revents && read(STDIN_FILENO, &byte, 1) != 1)
			return;
		if (ready[1].revents & POLLIN)
			check(accept(ready[1].fd, NULL, NULL), "accept");
		if (ready[2].revents & POLLIN)
			answer_query(ready[2].fd);
	}
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *part = slash ? slash + 1 : argv[0];
	int seconds = argc > 1 ? atoi(argv[1]) : 0;
	unsigned int clients = argc > 3 ? atoi(argv[3]) : 0;

	if (!strcmp(part, "notifier") && argc == 4 && clients <= MAX_CLIENTS)
		notify(seconds, argv[2], clients);
	else if (!strcmp(part, "pinger") && argc == 3)
		ping(seconds, argv[2]);
	else if (!strcmp(part, "dns-client") && argc == 3)
		ask(seconds, argv[2]);
	else if (!strcmp(part, "far-side") && argc == 3 && atoi(argv[2]) <= MAX_CLIENTS)
		be_far_side(argv[1], atoi(argv[2]));
	else
		return 64;
	return 0;
}
