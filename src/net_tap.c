/* net_tap.c: a network that is a tap interface of the host. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend.h"
#include "net_frames.h"

static int attach(int fd, const char *ifname, struct err *e)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (strlen(ifname) >= sizeof(r.ifr_name))
		return err_set(e, 0, "tap %s: the name has more than %d "
			       "characters", ifname,
			       (int)sizeof(r.ifr_name) - 1);
	strcpy(r.ifr_name, ifname);
	if (!ioctl(fd, TUNSETIFF, &r))
		return 0;
	switch (errno) {
	case EPERM:
		return err_set(e, 0, "tap %s: not permitted; make it first: "
			       "sudo ip tuntap add dev %s mode tap user "
			       "\"$USER\"", ifname, ifname);
	case EBUSY:
		return err_set(e, 0, "tap %s: in use by another process",
			       ifname);
	case EINVAL:
		return err_set(e, 0, "tap %s: exists and is no tap interface "
			       "of one queue", ifname);
	}
	return err_set(e, errno, "tap %s", ifname);
}

struct net *net_tap_open(struct loop *loop, const char *ifname, struct err *e)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct net *n;

	if (fd < 0) {
		err_set(e, errno, "tap %s: open /dev/net/tun", ifname);
		return NULL;
	}
	n = attach(fd, ifname, e) ? NULL : net_frames_open(loop, fd, e);
	if (!n)
		close(fd);
	return n;
}
