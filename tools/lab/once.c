/*
 * Sends one datagram and is gone: the shortest life that a sender can have.
 *
 * usage: once 4|6 SOURCE SOURCE-PORT DESTINATION PORT PAYLOAD-HEX
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static socklen_t fill_address(struct sockaddr_storage *address, int family, const char *text,
			      const char *port)
{
	address->ss_family = family;
	if (family == AF_INET) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)address;

		v4->sin_port = htons(atoi(port));
		inet_pton(family, text, &v4->sin_addr);
		return sizeof(*v4);
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	v6->sin6_port = htons(atoi(port));
	inet_pton(family, text, &v6->sin6_addr);
	return sizeof(*v6);
}

int main(int argc, char **argv)
{
	struct sockaddr_storage from = {0}, to = {0};
	unsigned char payload[64];
	size_t length = 0;
	int family, descriptor;
	socklen_t size;

	if (argc != 7)
		return 64;
	family = argv[1][0] == '6' ? AF_INET6 : AF_INET;
	size = fill_address(&from, family, argv[2], argv[3]);
	fill_address(&to, family, argv[4], argv[5]);
	for (const char *hex = argv[6]; hex[0] && hex[1] && length < sizeof(payload); hex += 2) {
		char digits[3] = {hex[0], hex[1], 0};

		payload[length++] = strtoul(digits, NULL, 16);
	}
	descriptor = socket(family, SOCK_DGRAM, 0);
	if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&from, size))
		return 1;
	return sendto(descriptor, payload, length, 0, (struct sockaddr *)&to, size) ==
			       (ssize_t)length
		       ? 0
		       : 1;
}
