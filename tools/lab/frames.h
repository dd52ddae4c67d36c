/* Finished Ethernet frames, for outlets that take nothing less: packet sockets, AF_XDP, TAP
 * devices. */
#ifndef LAB_FRAMES_H
#define LAB_FRAMES_H

#include "truth.h"

/* No frame of the lab is longer. */
enum { LAB_FRAME_ROOM = 2048 };

/* Hands the frame with this index, from 0 on, to an outlet. */
typedef void lab_transmit(void *outlet, unsigned int index, const unsigned char *frame,
			  size_t length);

/* The link-layer address of the interface that the options name, as six bytes. */
void lab_hardware_address(const struct lab_options *options, unsigned char *address);

/* Builds each UDP datagram, or echo request, as a frame, hands it to `transmit`, and reports it. */
void lab_send_frames(const struct lab_options *options, const unsigned char *from, bool echo,
		     lab_transmit *transmit, void *outlet);

#endif
