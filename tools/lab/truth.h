/* What a sender was asked to do, and the line it prints for each packet it sent. */
#ifndef LAB_TRUTH_H
#define LAB_TRUTH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* One token and counter: the shortest payload that tells a packet from every other. */
#define LAB_MARK_SIZE 8

struct lab_options {
	const char *row;
	const char *mode;
	uint32_t token;
	uint32_t first_counter;
	unsigned int count;
	unsigned int size;
	unsigned int packets;
	int family;
	int descriptor;
	uint16_t port;
	uint16_t source_port;
	const char *source;
	const char *destination;
	const char *interface;
	const char *mac;
	const char *netns;
	const char *helper;
	bool wait;
	bool ring;
	bool multiple;
	bool tell_protocol; /* name each frame's protocol to the packet socket */
	bool bypass;
};

/* One datagram or echo as its sender saw it. */
struct lab_sent {
	const char *protocol; /* "udp", "icmp" or "ipv6-icmp" */
	uint16_t source_port;
	uint16_t destination_port;
	int icmp_type; /* -1 for UDP */
	uint16_t icmp_id;
	uint16_t icmp_sequence;
	const void *payload;
	size_t length;
	unsigned int packets; /* how many packets it is on the wire */
};

/* Another process that sent on this one's order and does not live to tell. */
struct lab_proxy {
	int pid;
	const char *name;
	const char *executable;
	const char *const *arguments;
	long lifetime_us;
};

#define LAB_CHECK(what) lab_check((what), #what, __FILE__, __LINE__)

/* Ends the sender with the failed call's text where the result is negative. */
long lab_check(long result, const char *what, const char *file, int line);

/* Fills the payload with marks, so that any 8-byte aligned part of it names its packet. */
void lab_fill(const struct lab_options *options, uint32_t counter, void *payload, size_t length);

/* Prints the line for a packet that the calling thread sent. */
void lab_report(const struct lab_options *options, const struct lab_sent *sent);

/* The same for a packet that another process sent. */
void lab_report_for(const struct lab_options *options, const struct lab_sent *sent,
		    const struct lab_proxy *proxy);

/* The line for a UDP datagram, which most modes send. */
void lab_report_udp(const struct lab_options *options, uint16_t source_port, const void *payload,
		    size_t length);

/* With --wait: says "opened" and goes on when a line arrives on standard input. */
void lab_wait_if_asked(const struct lab_options *options);

struct sockaddr_storage lab_address(const char *text, int family, uint16_t port);
socklen_t lab_address_length(const struct sockaddr_storage *address);

/* The index of --interface; ends the sender where there is none. */
int lab_interface_index(const struct lab_options *options);

/* The port a socket is bound to. */
uint16_t lab_local_port(int descriptor);

#endif
