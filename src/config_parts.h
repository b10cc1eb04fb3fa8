/* config_parts.h: option values that are made of parts: FILE,KEY=VAL,KEY. What
 * is between single commas is a part; two commas stand for one. All work in
 * place on a copy of the value. */
#ifndef CONFIG_PARTS_H
#define CONFIG_PARTS_H

#include <stdbool.h>

#include "config.h"
#include "err.h"

/* Cuts the part up to the next single comma off *rest; NULL when there is none
 * left. Double commas become one. */
char *next_part(char **rest);
/* Splits KEY=VAL; *value NULL for a bare KEY. */
char *split_key(char *part, char **value);
/* A key that is known but came without its value. */
bool bare_key(const char *key, const char *val, const char *const *known,
	      int n);
/* Says that --opt has no such key, and names the nearest or all. Returns -1. */
int bad_key(struct err *, const char *opt, const char *key,
	    const char *const *known, int n, const char *list);

/* --net (config_net.c) */
int config_parse_net(struct config *, char *value, struct err *);
/* One key of it, for bundles that have the same: "net", "host", "dns"... */
int config_net_key(struct cfg_net *, const char *key, const char *val,
		   struct err *);
/* The addresses of `user` are of one network, and different ones. */
int config_net_check(const struct cfg_net *, struct err *);

#endif
