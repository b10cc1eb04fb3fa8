/* --net BACKEND[,KEY=VAL...]: a network card, and what is at the other end of
 * its cable. Each --net adds a card; `none` takes all before it away. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_parts.h"

static bool port_ok(const char *s, size_t len)
{
	unsigned n = 0;

	if (!len || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		n = n * 10 + (unsigned)(s[i] - '0');
	}
	return n > 0 && n < 65536;
}

static bool addr_ok(const char *s, size_t len)
{
	struct in_addr a;
	char text[32];

	if (!len)
		return true;
	if (len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = 0;
	return inet_pton(AF_INET, text, &a) == 1;
}

/* tcp:[ADDR]:PORT-[ADDR]:PORT, all of it checked before anything opens. */
static bool fwd_ok(const char *s)
{
	const char *colon, *dash;

	if (strncmp(s, "tcp:", 4) && strncmp(s, "udp:", 4))
		return false;
	s += 4;
	colon = strchr(s, ':');
	dash = colon ? strchr(colon, '-') : NULL;
	if (!dash || !addr_ok(s, (size_t)(colon - s)) ||
	    !port_ok(colon + 1, (size_t)(dash - colon - 1)))
		return false;
	s = dash + 1;
	colon = strchr(s, ':');
	return colon && addr_ok(s, (size_t)(colon - s)) &&
	       port_ok(colon + 1, strlen(colon + 1));
}

/* ---- one function a key ---------------------------------------------- */

static int set_mac(struct cfg_net *n, const char *key, const char *val,
		   struct err *e)
{
	if (config_mac(val, n->mac))
		return err_set(e, 0, "--net: %s=%s: not a unicast MAC address "
			       "(expected six hex pairs, as in "
			       "02:00:00:00:00:01)", key, val);
	n->has_mac = true;
	return 0;
}

static int set_fwd(struct cfg_net *n, const char *key, const char *val,
		   struct err *e)
{
	if (n->nfwd == CFG_MAX_FWD)
		return err_set(e, 0, "--net: more than %d hostfwd=",
			       CFG_MAX_FWD);
	if (!fwd_ok(val))
		return err_set(e, 0, "--net: %s=%s: expected "
			       "tcp:[ADDR]:PORT-:PORT (try "
			       "hostfwd=tcp:127.0.0.1:2222-:22)", key, val);
	n->fwd[n->nfwd] = strdup(val);
	if (!n->fwd[n->nfwd])
		return err_set(e, 0, "out of memory");
	n->nfwd++;
	return 0;
}

static int set_ifname(struct cfg_net *n, const char *key, const char *val,
		      struct err *e)
{
	if (!*val || strlen(val) >= sizeof(n->ifname) || strpbrk(val, "/ %"))
		return err_set(e, 0, "--net: %s=%s: not the name of an "
			       "interface (1 to 15 characters)", key, val);
	strcpy(n->ifname, val);
	return 0;
}

/* sun_path holds 108 bytes with its end. */
static int set_path(struct cfg_net *n, const char *key, const char *val,
		    struct err *e)
{
	if (!*val || strlen(val) >= sizeof(n->path))
		return err_set(e, 0, "--net: %s=%s: not the name of a socket "
			       "(1 to %zu bytes)", key, val,
			       sizeof(n->path) - 1);
	strcpy(n->path, val);
	return 0;
}

static int set_hello(struct cfg_net *n, const char *key, const char *val,
		     struct err *e)
{
	if (strlen(val) >= sizeof(n->hello))
		return err_set(e, 0, "--net: %s=%s: longer than %zu bytes",
			       key, val, sizeof(n->hello) - 1);
	strcpy(n->hello, val);
	return 0;
}

static int set_restrict(struct cfg_net *n, const char *key, const char *val,
			struct err *e)
{
	if (val && strcmp(val, "on") && strcmp(val, "off"))
		return err_set(e, 0, "--net: %s=%s: expected on or off", key,
			       val);
	n->isolated = !val || !strcmp(val, "on");
	return 0;
}

/* ADDR/BITS; room for router, name server and guest must be in it. */
static int set_net(struct cfg_net *n, const char *key, const char *val,
		   struct err *e)
{
	size_t len = strcspn(val, "/");
	char text[INET_ADDRSTRLEN] = "", *end = text;
	struct in_addr a;
	long bits = val[len] ? strtol(val + len + 1, &end, 10) : 24;

	if (len < sizeof(text))
		memcpy(text, val, len);
	if (inet_pton(AF_INET, text, &a) != 1 || bits < 8 || bits > 27 ||
	    (val[len] && *end))
		return err_set(e, 0, "--net: %s=%s: expected ADDR/BITS, 8 to 27 "
			       "bits (try net=10.0.2.0/24)", key, val);
	n->mask = ~0u << (32 - bits);
	n->net = ntohl(a.s_addr) & n->mask;
	return 0;
}

static int set_addr(struct cfg_net *n, const char *key, const char *val,
		    struct err *e)
{
	uint32_t *to = !strcmp(key, "host") ? &n->host :
		       !strcmp(key, "dns") ? &n->dns : &n->dhcp;
	struct in_addr a;

	if (inet_pton(AF_INET, val, &a) != 1)
		return err_set(e, 0, "--net: %s=%s: not an IPv4 address", key,
			       val);
	*to = ntohl(a.s_addr);
	return 0;
}

static int set_domain(struct cfg_net *n, const char *key, const char *val,
		      struct err *e)
{
	if (!*val || strlen(val) >= sizeof(n->domain))
		return err_set(e, 0, "--net: %s=%s: not a domain (1 to %zu "
			       "characters)", key, val,
			       sizeof(n->domain) - 1);
	for (const char *p = val; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			return err_set(e, 0, "--net: %s=%s: not a domain",
				       key, val);
	strcpy(n->domain, val);
	return 0;
}

enum { USER = 1 << CFG_NET_USER, TAP = 1 << CFG_NET_TAP,
       UNIX = 1 << CFG_NET_UNIX };

static const struct {
	const char *name;
	unsigned kinds;                 /* back ends that have it */
	bool flag;                      /* may come without a value */
	int (*set)(struct cfg_net *, const char *, const char *, struct err *);
} keys[] = {
	{ "mac", USER | TAP | UNIX, false, set_mac },
	{ "hostfwd", USER, false, set_fwd },
	{ "ifname", TAP, false, set_ifname },
	{ "path", UNIX, false, set_path },
	{ "hello", UNIX, false, set_hello },
	{ "restrict", USER, true, set_restrict },
	{ "net", USER, false, set_net },
	{ "host", USER, false, set_addr },
	{ "dns", USER, false, set_addr },
	{ "dhcpstart", USER, false, set_addr },
	{ "domainname", USER, false, set_domain },
};

#define NKEYS ((int)(sizeof(keys) / sizeof(keys[0])))

static int set_key(struct cfg_net *n, const char *kind, char *part,
		   struct err *e)
{
	char *val, *key = split_key(part, &val);
	const char *names[NKEYS];
	int k = 0;

	for (; k < NKEYS && strcmp(keys[k].name, key); k++)
		names[k] = keys[k].name;
	if (k == NKEYS)
		return bad_key(e, "net", key, names, NKEYS, "mac; with user "
			       "hostfwd, restrict, net, host, dns, dhcpstart, "
			       "domainname; with tap ifname; with unix path, hello");
	if (!val && !keys[k].flag)
		return err_set(e, 0, "--net: %s: a value is missing (%s=...)",
			       key, key);
	if (n->kind == CFG_NET_NONE)
		return err_set(e, 0, "--net none: there is no card to give "
			       "%s= to", key);
	if (!(keys[k].kinds >> n->kind & 1))
		return err_set(e, 0, "--net %s: %s= belongs to %s", kind, key,
			       keys[k].kinds & USER ? "user" :
			       keys[k].kinds & TAP ? "tap" : "unix");
	return keys[k].set(n, key, val, e);
}

int config_net_key(struct cfg_net *n, const char *key, const char *val,
		   struct err *e)
{
	for (int k = 0; k < NKEYS; k++)
		if (!strcmp(keys[k].name, key))
			return keys[k].set(n, key, val, e);
	return err_set(e, 0, "--net: %s=: unknown", key);
}

int config_net_check(const struct cfg_net *n, struct err *e)
{
	uint32_t net = n->mask ? n->net : CFG_NET_ADDR;
	uint32_t mask = n->mask ? n->mask : CFG_NET_MASK;
	const uint32_t at[3] = { n->host ? n->host : net + CFG_NET_HOST,
				 n->dns ? n->dns : net + CFG_NET_DNS,
				 n->dhcp ? n->dhcp : net + CFG_NET_GUEST };
	static const char *const name[3] = { "host", "dns", "dhcpstart" };

	for (int i = 0; i < 3; i++) {
		if ((at[i] & mask) != net || at[i] == net ||
		    at[i] == (net | ~mask))
			return err_set(e, 0, "--net user: %s= is not an address "
				       "of the network (give net= as well)",
				       name[i]);
		for (int k = 0; k < i; k++)
			if (at[i] == at[k])
				return err_set(e, 0, "--net user: %s= and %s= "
					       "are one address", name[k],
					       name[i]);
	}
	return 0;
}

int config_parse_net(struct config *c, char *v, struct err *e)
{
	static const char *const kinds[] = { "none", "user", "tap", "unix" };
	char *rest = v, *kind = next_part(&rest), *part;
	struct cfg_net none = { .kind = CFG_NET_NONE }, *n = &none;
	const char *near;
	int k = 0;

	while (k < 4 && strcmp(kind, kinds[k]))
		k++;
	if (k == 4) {
		near = config_nearest(kind, kinds, 4);
		return err_set(e, 0, "--net %s: unknown back end (%s%s%s)",
			       kind, near ? "did you mean " : "expected user, "
			       "tap, unix or none", near ? near : "",
			       near ? "?" : "");
	}
	c->net_given = true;
	if (k == CFG_NET_NONE) {
		config_nets_reset(c);
	} else if (c->nnets == CFG_MAX_NETS) {
		return err_set(e, 0, "--net: more than %d cards",
			       CFG_MAX_NETS);
	} else {
		n = &c->net[c->nnets++];
		n->kind = (enum cfg_net_kind)k;
	}
	while ((part = next_part(&rest)))
		if (set_key(n, kind, part, e))
			return -1;
	if (n->kind == CFG_NET_TAP && !n->ifname[0])
		return err_set(e, 0, "--net tap: ifname= is missing (try --net "
			       "tap,ifname=tap0)");
	if (n->kind == CFG_NET_UNIX && !n->path[0])
		return err_set(e, 0, "--net unix: path= is missing (try --net "
			       "unix,path=/tmp/net.sock)");
	return n->kind == CFG_NET_USER ? config_net_check(n, e) : 0;
}
