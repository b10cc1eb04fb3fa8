/* Option values that are made of parts: FILE,KEY=VAL,KEY. */
#include <stdbool.h>
#include <string.h>

#include "config.h"
#include "config_parts.h"

char *next_part(char **rest)
{
	char *start = *rest, *in, *out;

	if (!start)
		return NULL;
	for (in = out = start; *in; in++) {
		if (*in == ',') {
			if (in[1] != ',')
				break;
			in++;
		}
		*out++ = *in;
	}
	*rest = *in ? in + 1 : NULL;
	*out = 0;
	return start;
}

char *split_key(char *part, char **value)
{
	char *eq = strchr(part, '=');

	if (eq)
		*eq++ = 0;
	*value = eq;
	return part;
}

bool bare_key(const char *key, const char *val, const char *const *known,
	      int n)
{
	for (int i = 0; i < n && !val; i++)
		if (!strcmp(known[i], key))
			return true;
	return false;
}

int bad_key(struct err *e, const char *opt, const char *key,
	    const char *const *known, int n, const char *list)
{
	const char *near = config_nearest(key, known, n);

	if (near)
		return err_set(e, 0, "--%s: unknown key '%s' (did you mean "
			       "%s?)", opt, key, near);
	return err_set(e, 0, "--%s: unknown key '%s' (known: %s)", opt, key,
		       list);
}
