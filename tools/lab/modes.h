/* The kinds of send, one function each. */
#ifndef LAB_MODES_H
#define LAB_MODES_H

#include "truth.h"

void mode_sendto(const struct lab_options *options);
void mode_connected_send(const struct lab_options *options);
void mode_connected_write(const struct lab_options *options);
void mode_pktinfo(const struct lab_options *options);
void mode_mapped(const struct lab_options *options);
void mode_sendmmsg(const struct lab_options *options);
void mode_gso(const struct lab_options *options);
void mode_gso_stream(const struct lab_options *options);
void mode_cork(const struct lab_options *options);
void mode_more(const struct lab_options *options);
void mode_empty(const struct lab_options *options);
void mode_multicast(const struct lab_options *options);
void mode_broadcast(const struct lab_options *options);
void mode_sink(const struct lab_options *options);

void mode_ping_socket(const struct lab_options *options);
void mode_raw_echo(const struct lab_options *options);
void mode_raw_echo_reply(const struct lab_options *options);
void mode_raw_udp(const struct lab_options *options);
void mode_hold_raw(const struct lab_options *options);

void mode_packet_udp(const struct lab_options *options);
void mode_packet_echo(const struct lab_options *options);
void mode_xdp_udp(const struct lab_options *options);
void mode_xdp_echo(const struct lab_options *options);
void mode_tap_udp(const struct lab_options *options);
void mode_tap_echo(const struct lab_options *options);
void mode_tun_udp(const struct lab_options *options);
void mode_tun_once(const struct lab_options *options);

void mode_inherit_fork(const struct lab_options *options);
void mode_inherit_exec(const struct lab_options *options);
void mode_descriptor(const struct lab_options *options);
void mode_passed(const struct lab_options *options);
void mode_exec_once(const struct lab_options *options);
void mode_fork_once(const struct lab_options *options);
void mode_threads(const struct lab_options *options);
void mode_foreign_netns(const struct lab_options *options);

void mode_uring_inline(const struct lab_options *options);
void mode_uring_worker(const struct lab_options *options);
void mode_uring_poll(const struct lab_options *options);
void mode_uring_inherited(const struct lab_options *options);

void mode_shared_in_turn(const struct lab_options *options);
void mode_shared_at_once(const struct lab_options *options);
void mode_identical(const struct lab_options *options);
void mode_zerocopy(const struct lab_options *options);
void mode_cgroup_program(const struct lab_options *options);
void mode_spin(const struct lab_options *options);

void mode_queue_daemon(const struct lab_options *options);
void mode_rewrite(const struct lab_options *options);

void mode_rounds(const struct lab_options *options);
void mode_reuse(const struct lab_options *options);
void mode_clone_parent(const struct lab_options *options);
void mode_copier(const struct lab_options *options);

/* A UDP socket, bound to the source address and port where the options name them. */
int lab_udp_socket(const struct lab_options *options);

/* Sends `count` datagrams on a socket that is connected, and reports each. */
void lab_send_connected(const struct lab_options *options, int descriptor);

void lab_connect(const struct lab_options *options, int descriptor);

#endif
