/* rsp.c: a debugger of few words, for hosts that have no gdb: sends packets to
 * pome's --gdb socket and compares the replies.
 *
 *   rsp SOCKET PACKET PATTERN [PACKET PATTERN...]     patterns as a shell's
 *
 * Waits up to 20 s for the socket and 60 s for each reply; the packet "^C" is
 * an interrupt. Status 0: all were as wanted. */
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char reply[0x10000];

static int meet(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	for (int i = 0; i < 200; i++) {
		if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
			return fd;
		usleep(100000);
	}
	return -1;
}

static int put(int fd, const char *body)
{
	char text[1000];
	unsigned sum = 0;
	int n;

	if (!strcmp(body, "^C"))
		return write(fd, "\003", 1) == 1;
	for (const char *p = body; *p; p++)
		sum += (unsigned char)*p;
	n = snprintf(text, sizeof(text), "$%s#%02x", body, sum & 255);
	return write(fd, text, (size_t)n) == n;
}

/* The body of the next packet, in reply. */
static int get(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;
	int in = 0, tail = 0;
	char c;

	while (poll(&p, 1, 60000) > 0 && read(fd, &c, 1) == 1) {
		if (tail) {
			if (!--tail) {
				/* fails after the last one: pome is gone */
				ssize_t acked = write(fd, "+", 1);

				(void)acked;
				return 1;
			}
		} else if (c == '$') {
			in = 1;
		} else if (in && c == '#') {
			reply[n] = 0;
			tail = 2;
		} else if (in && n + 1 < sizeof(reply)) {
			reply[n++] = c;
		}
	}
	snprintf(reply, sizeof(reply), "(none)");
	return 0;
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? meet(argv[1]) : -1;

	signal(SIGPIPE, SIG_IGN);
	if (fd < 0) {
		fprintf(stderr, "rsp: nobody listens\n");
		return 1;
	}
	for (int i = 2; i + 1 < argc; i += 2) {
		if (!put(fd, argv[i]) || !get(fd) ||
		    fnmatch(argv[i + 1], reply, 0)) {
			fprintf(stderr, "rsp: %s: %.300s; wanted %s\n",
				argv[i], reply, argv[i + 1]);
			return 1;
		}
	}
	return 0;
}
