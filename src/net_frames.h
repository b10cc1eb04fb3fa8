/* net_frames.h: a network behind a descriptor that gives and takes one Ethernet
 * frame a call. */
#ifndef NET_FRAMES_H
#define NET_FRAMES_H

#include "backend.h"

/* fd does not block. Takes it, but not on failure. */
struct net *net_frames_open(struct loop *, int fd, struct err *);

#endif
