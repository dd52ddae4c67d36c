/* IP packets written into a TUN device, as a VPN's daemon does. */
#include "headers.h"
#include "modes.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SOURCE_PORT = 40002, PACKET_ROOM = 2048, HELD_US = 1500000 };

static int open_device(const struct lab_options *options)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int descriptor = LAB_CHECK(open("/dev/net/tun", O_RDWR));

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", options->interface);
	LAB_CHECK(ioctl(descriptor, TUNSETIFF, &request));
	return descriptor;
}

static void write_packets(const struct lab_options *options, int descriptor)
{
	unsigned char packet[PACKET_ROOM], payload[1024];
	size_t size = options->size < sizeof(payload) ? options->size : sizeof(payload);

	for (unsigned int i = 0; i < options->count; i++) {
		size_t length;

		lab_fill(options, options->first_counter + i, payload, size);
		length = lab_udp_packet(options, SOURCE_PORT, i + 1, payload, size, packet);
		LAB_CHECK(write(descriptor, packet, length));
	}
}

/* After the packets, since a line takes longer than a packet. */
static void report_packets(const struct lab_options *options)
{
	unsigned char payload[1024];
	size_t size = options->size < sizeof(payload) ? options->size : sizeof(payload);

	for (unsigned int i = 0; i < options->count; i++) {
		lab_fill(options, options->first_counter + i, payload, size);
		lab_report_udp(options, SOURCE_PORT, payload, size);
	}
}

/* With --multiple a child holds the device too. */
void mode_tun_udp(const struct lab_options *options)
{
	int descriptor = open_device(options);
	int parent = getpid();

	if (options->multiple && LAB_CHECK(fork()) == 0) {
		LAB_CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL));
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	/* The device has its carrier from the first holder on; routes take note a moment later. */
	usleep(200000);
	write_packets(options, descriptor);
	report_packets(options);
	usleep(HELD_US);
}

/* Lets go of the device at once: nobody holds it when somebody looks. */
void mode_tun_once(const struct lab_options *options)
{
	int descriptor = open_device(options);

	usleep(200000);
	write_packets(options, descriptor);
	LAB_CHECK(close(descriptor));
	report_packets(options);
}
