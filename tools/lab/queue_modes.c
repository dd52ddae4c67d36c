#include "modes.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A message to the queue subsystem with one attribute. */
struct message {
	struct nlmsghdr header;
	struct nfgenmsg family;
	struct nlattr attribute;
	unsigned char value[32];
};

static void send_message(int descriptor, uint16_t queue, uint16_t type, uint16_t attribute,
			 const void *value, size_t length)
{
	struct message message = {
		.header = {.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | type,
			   .nlmsg_flags = NLM_F_REQUEST},
		.family = {.version = NFNETLINK_V0, .res_id = htons(queue)},
		.attribute = {.nla_type = attribute, .nla_len = NLA_HDRLEN + length},
	};

	message.header.nlmsg_len =
		NLMSG_LENGTH(sizeof(message.family)) + NLA_HDRLEN + NLA_ALIGN(length);
	memcpy(message.value, value, length);
	LAB_CHECK(send(descriptor, &message, message.header.nlmsg_len, 0));
}

static void accept_packet(int descriptor, uint16_t queue, const struct nlmsghdr *header)
{
	const char *start = (const char *)NLMSG_DATA(header);
	size_t length = NLMSG_PAYLOAD(header, 0);

	for (size_t at = NLMSG_ALIGN(sizeof(struct nfgenmsg)); at + NLA_HDRLEN <= length;) {
		const struct nlattr *attribute = (const void *)(start + at);

		if (attribute->nla_type == NFQA_PACKET_HDR) {
			const struct nfqnl_msg_packet_hdr *packet =
				(const void *)(start + at + NLA_HDRLEN);
			struct nfqnl_msg_verdict_hdr verdict = {
				.verdict = htonl(NF_ACCEPT),
				.id = packet->packet_id,
			};

			send_message(descriptor, queue, NFQNL_MSG_VERDICT, NFQA_VERDICT_HDR,
				     &verdict, sizeof(verdict));
			return;
		}
		at += NLA_ALIGN(attribute->nla_len);
	}
}

/* A daemon that takes the packets of queue --port and sends every one on. */
void mode_queue_daemon(const struct lab_options *options)
{
	struct nfqnl_msg_config_cmd bind_queue = {.command = NFQNL_CFG_CMD_BIND};
	struct nfqnl_msg_config_params copy = {.copy_mode = NFQNL_COPY_META};
	int descriptor = LAB_CHECK(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER));
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	_Alignas(struct nlmsghdr) char buffer[1 << 16];

	LAB_CHECK(connect(descriptor, (struct sockaddr *)&kernel, sizeof(kernel)));
	send_message(descriptor, options->port, NFQNL_MSG_CONFIG, NFQA_CFG_CMD, &bind_queue,
		     sizeof(bind_queue));
	send_message(descriptor, options->port, NFQNL_MSG_CONFIG, NFQA_CFG_PARAMS, &copy,
		     sizeof(copy));
	fprintf(stderr, "opened\n");
	for (;;) {
		ssize_t length = LAB_CHECK(recv(descriptor, buffer, sizeof(buffer), 0));
		int left = (int)length;

		for (struct nlmsghdr *header = (struct nlmsghdr *)buffer; NLMSG_OK(header, left);
		     header = NLMSG_NEXT(header, left)) {
			if (header->nlmsg_type == NLMSG_ERROR) {
				fprintf(stderr, "the kernel refused a request about its queue\n");
				exit(1);
			}
			if (header->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
				accept_packet(descriptor, options->port, header);
		}
	}
}
