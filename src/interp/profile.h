/* profile.h: which handlers run, and in what order: the figures that decide
 * what is worth fusing. Only in builds with -DPROFILE (make profile), which
 * dispatch by the loop and decode every instruction on its own. */
#ifndef INTERP_PROFILE_H
#define INTERP_PROFILE_H

#include "cpu.h"

#ifdef PROFILE
/* `ip` is about to run, after `prev` (NULL at the start). */
void profile_step(const struct rec *prev, const struct rec *ip);
#endif

#endif
