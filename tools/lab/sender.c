/*
 * Sends packets in one of many ways and prints a JSON line for each: who sent it and what it was.
 *
 * usage: sender MODE --row ID --token HEX --source ADDRESS --destination ADDRESS [OPTION]...
 */
#include "modes.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	void (*run)(const struct lab_options *);
} modes[] = {
	{"sendto", mode_sendto},
	{"connected-send", mode_connected_send},
	{"connected-write", mode_connected_write},
	{"pktinfo", mode_pktinfo},
	{"mapped", mode_mapped},
	{"sendmmsg", mode_sendmmsg},
	{"gso", mode_gso},
	{"gso-stream", mode_gso_stream},
	{"cork", mode_cork},
	{"more", mode_more},
	{"empty", mode_empty},
	{"multicast", mode_multicast},
	{"broadcast", mode_broadcast},
	{"sink", mode_sink},
	{"ping-socket", mode_ping_socket},
	{"raw-echo", mode_raw_echo},
	{"raw-echo-reply", mode_raw_echo_reply},
	{"raw-udp", mode_raw_udp},
	{"hold-raw", mode_hold_raw},
	{"packet-udp", mode_packet_udp},
	{"packet-echo", mode_packet_echo},
	{"xdp-udp", mode_xdp_udp},
	{"xdp-echo", mode_xdp_echo},
	{"tap-udp", mode_tap_udp},
	{"tap-echo", mode_tap_echo},
	{"tun-udp", mode_tun_udp},
	{"tun-once", mode_tun_once},
	{"inherit-fork", mode_inherit_fork},
	{"inherit-exec", mode_inherit_exec},
	{"descriptor", mode_descriptor},
	{"passed", mode_passed},
	{"exec-once", mode_exec_once},
	{"fork-once", mode_fork_once},
	{"threads", mode_threads},
	{"foreign-netns", mode_foreign_netns},
	{"uring-inline", mode_uring_inline},
	{"uring-worker", mode_uring_worker},
	{"uring-poll", mode_uring_poll},
	{"uring-inherited", mode_uring_inherited},
	{"shared-in-turn", mode_shared_in_turn},
	{"shared-at-once", mode_shared_at_once},
	{"identical", mode_identical},
	{"zerocopy", mode_zerocopy},
	{"cgroup-program", mode_cgroup_program},
	{"spin", mode_spin},
	{"queue-daemon", mode_queue_daemon},
	{"rewrite", mode_rewrite},
	{"rounds", mode_rounds},
	{"reuse", mode_reuse},
	{"clone-parent", mode_clone_parent},
	{"copier", mode_copier},
};

enum { MODE_COUNT = sizeof(modes) / sizeof(modes[0]) };

static const struct option long_options[] = {
	{"row", required_argument, NULL, 'r'},
	{"token", required_argument, NULL, 't'},
	{"count", required_argument, NULL, 'c'},
	{"size", required_argument, NULL, 's'},
	{"packets", required_argument, NULL, 'k'},
	{"port", required_argument, NULL, 'p'},
	{"source-port", required_argument, NULL, 'P'},
	{"source", required_argument, NULL, 'a'},
	{"destination", required_argument, NULL, 'd'},
	{"interface", required_argument, NULL, 'i'},
	{"mac", required_argument, NULL, 'm'},
	{"netns", required_argument, NULL, 'n'},
	{"helper", required_argument, NULL, 'h'},
	{"descriptor", required_argument, NULL, 'f'},
	{"wait", no_argument, NULL, 'w'},
	{"ring", no_argument, NULL, 'R'},
	{"multiple", no_argument, NULL, 'M'},
	{"tell-protocol", no_argument, NULL, 'T'},
	{"bypass", no_argument, NULL, 'B'},
	{0},
};

static void usage(void)
{
	fprintf(stderr, "usage: sender MODE --row ID --token HEX --source ADDRESS "
			"--destination ADDRESS [OPTION]...\nmodes:");
	for (size_t i = 0; i < MODE_COUNT; i++)
		fprintf(stderr, " %s", modes[i].name);
	fprintf(stderr, "\n");
	exit(64);
}

static void set_option(struct lab_options *options, int option, const char *value)
{
	switch (option) {
	case 'r':
		options->row = value;
		break;
	case 't':
		options->token = strtoul(value, NULL, 16);
		break;
	case 'c':
		options->count = atoi(value);
		break;
	case 's':
		options->size = atoi(value);
		break;
	case 'k':
		options->packets = atoi(value);
		break;
	case 'p':
		options->port = atoi(value);
		break;
	case 'P':
		options->source_port = atoi(value);
		break;
	case 'a':
		options->source = value;
		break;
	case 'd':
		options->destination = value;
		break;
	case 'i':
		options->interface = value;
		break;
	case 'm':
		options->mac = value;
		break;
	case 'n':
		options->netns = value;
		break;
	case 'h':
		options->helper = value;
		break;
	case 'f':
		options->descriptor = atoi(value);
		break;
	case 'w':
		options->wait = true;
		break;
	case 'R':
		options->ring = true;
		break;
	case 'M':
		options->multiple = true;
		break;
	case 'T':
		options->tell_protocol = true;
		break;
	case 'B':
		options->bypass = true;
		break;
	default:
		usage();
	}
}

int main(int argc, char **argv)
{
	struct lab_options options = {
		.row = "", .count = 23, .size = 24, .packets = 1, .port = 9, .descriptor = -1};
	int option;

	if (argc < 2)
		usage();
	options.mode = argv[1];
	while ((option = getopt_long(argc - 1, argv + 1, "", long_options, NULL)) != -1)
		set_option(&options, option, optarg);
	if (!options.source || !options.destination)
		usage();
	options.family = strchr(options.destination, ':') ? AF_INET6 : AF_INET;
	for (size_t i = 0; i < MODE_COUNT; i++) {
		if (!strcmp(options.mode, modes[i].name)) {
			modes[i].run(&options);
			return 0;
		}
	}
	usage();
}
